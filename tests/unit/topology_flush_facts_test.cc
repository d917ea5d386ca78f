// SPDX-License-Identifier: GPL-2.0-only
// Facts about flushes, of made-up machines: no machine with INVLPGB or with Arm's errata was at
// hand. Their texts are as Linux 6.12 and 7.3 print them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/topology_cpuid_table.hh"
#include "user/topology/flush_facts.hh"

namespace tlblab {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::uint32_t kHypervisorBit = 1u << 31;

FileText text(std::string words) { return {.text = std::move(words), .problem = {}}; }
FileText missing(std::string why) { return {.text = {}, .problem = std::move(why)}; }

std::string value(const std::vector<FlushFact>& facts, const std::string& name) {
  for (const FlushFact& fact : facts) {
    if (fact.name == name) return fact.value;
  }
  ADD_FAILURE() << "no fact named " << name;
  return {};
}

struct X86 {
  FlushSources sources;
  CpuidTable cpuid;

  [[nodiscard]] std::string operator[](const std::string& name) const {
    return value(x86_flush_facts(sources, reader(cpuid)), name);
  }
};

/// Its address is hidden, as from most users.
KernelFunctions has_function(const char* name) { return {.problem = {}, .addresses = {{name, 0}}}; }

/// A Zen 5 server with Linux 7.3, bare, everything readable.
X86 zen5() {
  X86 made;
  made.cpuid = {{{0, 0}, {0x10, 0x68747541, 0x444d4163, 0x69746e65}},
                {{1, 0}, {0, 0, 1u << 17, 0}},
                {{7, 0}, {0, 1u << 10, 0, 0}},
                {{0x80000000, 0}, {0x80000028, 0, 0, 0}},
                {{0x80000008, 0}, {0, 1u << 3, 0, 7}}};
  FlushSources& sources = made.sources;
  sources.config = text(
      "CONFIG_BROADCAST_TLB_FLUSH=y\nCONFIG_PT_RECLAIM=y\nCONFIG_PREEMPT_DYNAMIC=y\n"
      "CONFIG_PREEMPT_LAZY=y\nCONFIG_MMU_GATHER_RCU_TABLE_FREE=y\n"
      "CONFIG_MMU_GATHER_MERGE_VMAS=y\n");
  sources.cpuinfo =
      text("cpu family\t: 26\nflags\t\t: fpu pcid invpcid la57\nbugs\t\t: sysret_ss_attrs tlbi\n");
  sources.command_line = text("ro quiet");
  sources.preempt = text("full (lazy) ");
  sources.functions = has_function("should_flush_tlb");
  sources.log = kernel_log_of("[    0.000000] Linux version 7.3.4\n");
  sources.kernel_version = "#1 SMP PREEMPT_DYNAMIC Debian 7.3.4-1";
  sources.nr_cpus_online = 192;
  sources.ceiling_pages = 33;
  sources.ceiling_source = "debugfs";
  return made;
}

TEST(FlushFacts, Zen5WithInvlpgb) {
  const X86 machine = zen5();
  EXPECT_THAT(machine["INVLPGB"], StartsWith("possible: "));
  EXPECT_EQ(machine["pages per INVLPGB"], "8");
  EXPECT_EQ(machine["TLBSYNC repeated"], "yes: erratum 1718");
  EXPECT_EQ(machine["PCID"], "yes");
  EXPECT_EQ(machine["INVPCID"], "yes");
  EXPECT_EQ(machine["page-table isolation"], "off");
  EXPECT_EQ(machine["5-level page tables"], "yes");
  EXPECT_EQ(machine["LAM"], "no");
  EXPECT_EQ(machine["lazy mask trimming"], "yes");
  EXPECT_EQ(machine["flush ceiling"], "33 pages");
  EXPECT_THAT(machine["remote flush by the hypervisor"], StartsWith("no"));
}

TEST(FlushFacts, InvlpgbIsNotPossibleWithAnyConditionUnmet) {
  struct Case {
    const char* words;
    void (*plant)(X86& machine);
  };
  for (const Case& one : {
           Case{"does not offer it",
                [](X86& m) {
                  m.cpuid[{0x80000008, 0}].ebx = 0;
                }},
           Case{"isolation is on",
                [](X86& m) { m.sources.cpuinfo = text("flags : pcid pti\ncpu family : 26\n"); }},
           Case{"PCID is off", [](X86& m) { m.sources.cpuinfo = text("flags : fpu\n"); }},
           Case{"without BROADCAST_TLB_FLUSH",
                [](X86& m) { m.sources.config = text("CONFIG_PT_RECLAIM=y\n"); }},
           Case{"tlbi=ipi", [](X86& m) { m.sources.command_line = text("ro tlbi=ipi"); }},
           Case{"Zen 2", [](X86& m) { m.sources.cpuinfo = text("cpu family : 23\n"); }},
       }) {
    X86 machine = zen5();
    one.plant(machine);
    EXPECT_THAT(machine["INVLPGB"], StartsWith("not possible: "));
    EXPECT_THAT(machine["INVLPGB"], HasSubstr(one.words));
  }
}

TEST(FlushFacts, InvlpgbIsUnknownWhereAConditionCantBeRead) {
  for (void (*hide)(X86&) : {+[](X86& m) { m.sources.config = missing("no such file"); },
                             +[](X86& m) { m.sources.cpuinfo = missing("no such file"); },
                             +[](X86& m) { m.sources.command_line = missing("no such file"); }}) {
    X86 machine = zen5();
    hide(machine);
    EXPECT_THAT(machine["INVLPGB"], StartsWith("unknown: "));
  }
  // What is known to forbid it, forbids it whatever else is unknown.
  X86 isolated = zen5();
  isolated.sources.config = missing("no such file");
  isolated.sources.cpuinfo = text("flags : pcid pti\n");
  EXPECT_THAT(isolated["INVLPGB"], StartsWith("not possible: "));
}

TEST(FlushFacts, FewCpusLeaveInvlpgbToReclaim) {
  X86 machine = zen5();
  machine.sources.nr_cpus_online = 3;
  EXPECT_THAT(machine["INVLPGB"], StartsWith("possible for reclaim only"));
}

TEST(FlushFacts, TlbsyncIsRepeatedOnlyWhereTheKernelKnowsTheErratum) {
  X86 machine = zen5();
  machine.sources.cpuinfo = text("cpu family : 26\nflags : pcid\nbugs : sysret_ss_attrs\n");
  EXPECT_THAT(machine["TLBSYNC repeated"], HasSubstr("this kernel does not know it"));
  machine.cpuid[{0x80000021, 0}].eax = 1u << 4;  // fixed by microcode
  EXPECT_EQ(machine["TLBSYNC repeated"], "no");
  machine.cpuid[{0x80000008, 0}].ebx = 0;
  EXPECT_THAT(machine["TLBSYNC repeated"], HasSubstr("no TLBSYNC"));
}

TEST(FlushFacts, OfferedIsNotUsed) {
  X86 machine = zen5();
  machine.sources.cpuinfo = text("flags : fpu xinvpcid pti lam\n");
  EXPECT_THAT(machine["PCID"], HasSubstr("not used"));
  EXPECT_THAT(machine["INVPCID"], HasSubstr("not used"));
  EXPECT_EQ(machine["page-table isolation"], "on");
  EXPECT_EQ(machine["LAM"], "yes");
  machine.cpuid[{1, 0}].ecx = 0;
  EXPECT_EQ(machine["PCID"], "no");
}

/// A KVM guest that is offered the flush of CPUs that do not run.
X86 kvm_guest() {
  X86 made = zen5();
  made.sources.guest = true;
  made.cpuid[{1, 0}].ecx |= kHypervisorBit;
  made.cpuid[{0x40000000, 0}] = {0x40000001, 0x4b4d564b, 0x564b4d56, 0x0000004d};
  made.cpuid[{0x40000001, 0}] = {1u << 9 | 1u << 5, 0, 0, 0};
  made.sources.log =
      kernel_log_of("[ 0.0] Linux version 7.3\n[ 0.1] kvm-guest: KVM setup pv remote TLB flush\n");
  return made;
}

TEST(FlushFacts, WhoFlushesRemotely) {
  const std::string name = "remote flush by the hypervisor";
  X86 guest = kvm_guest();
  EXPECT_THAT(guest[name], StartsWith("yes: KVM's"));
  guest.sources.log = kernel_log_of("[ 0.0] Linux version 7.3\n");
  EXPECT_THAT(guest[name], StartsWith("no: offered"));
  guest.sources.log = kernel_log_of("[ 99.0] the oldest line that is left\n");
  EXPECT_THAT(guest[name], StartsWith("unknown: offered"));
  for (void (*refuse)(X86&) : {+[](X86& m) {
                                 m.cpuid[{0x40000001, 0}].eax = 1u << 5;
                               },
                               +[](X86& m) {
                                 m.cpuid[{0x40000001, 0}].eax = 1u << 9;
                               },
                               +[](X86& m) {
                                 m.cpuid[{0x40000001, 0}].edx = 1;
                               },
                               +[](X86& m) {
                                 m.cpuid[{1, 0}].ecx |= 1u << 3;
                               }}) {
    X86 machine = kvm_guest();
    refuse(machine);
    EXPECT_THAT(machine[name], StartsWith("no: KVM"));
  }
  X86 hyperv = kvm_guest();
  hyperv.cpuid[{0x40000000, 0}] = {0x40000005, 0x7263694d, 0x666f736f, 0x76482074};
  EXPECT_THAT(hyperv[name], StartsWith("no: Hyper-V"));
  hyperv.cpuid[{0x40000004, 0}].eax = 1u << 2;
  EXPECT_THAT(hyperv[name], StartsWith("no: offered"));
  hyperv.sources.log.text += "Hyper-V: Using hypercall for remote TLB flush\n";
  EXPECT_THAT(hyperv[name], StartsWith("yes: Hyper-V's"));
}

TEST(FlushFacts, TrimmingIsToldByASymbolOrAReasonAndNeverByAnAbsence) {
  const std::string name = "lazy mask trimming";
  X86 machine = zen5();
  machine.sources.functions = has_function("tlb_is_not_lazy");
  EXPECT_EQ(machine[name], "no");
  machine.sources.functions = {};
  machine.sources.flush_event = text("{ 4, \"remote ipi send\" }");
  EXPECT_THAT(machine[name], StartsWith("unknown"));
  machine.sources.flush_event = text("{ 4, \"remote IPI send\" }, { 5, \"remote wrong CPU\" }");
  EXPECT_EQ(machine[name], "yes");
}

/// An Ampere Altra with Debian's 6.12, whose kernel knows CVE-2025-10263.
FlushSources neoverse() {
  FlushSources sources;
  sources.config = text(
      "CONFIG_ARM64_TLB_RANGE=y\nCONFIG_ARM64_CONTPTE=y\nCONFIG_ARM64_WORKAROUND_REPEAT_TLBI=y\n"
      "CONFIG_ARM64_ERRATUM_4118414=y\nCONFIG_ARM64_ERRATUM_4193714=y\n");
  sources.cpuinfo = text(
      "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\n"
      "processor\t: 1\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n");
  sources.log = kernel_log_of(
      "[    0.000000] Linux version 6.12.117\n"
      "[    0.000000] CPU features: detected: Broken broadcast TLBI completion\n");
  return sources;
}

TEST(FlushFacts, NeoverseThatRepeats) {
  const std::vector<FlushFact> facts = arm64_flush_facts(neoverse());
  EXPECT_EQ(value(facts, "TLBI completion repeated"), "yes");
  EXPECT_EQ(value(facts, "ranged TLBI"), "no");
  EXPECT_EQ(value(facts, "SME DVMSync workaround"), "no");
  EXPECT_EQ(value(facts, "page-table isolation"), "off");
  EXPECT_THAT(value(facts, "contpte"), StartsWith("yes"));
  EXPECT_THAT(value(facts, "break-before-make level"), StartsWith("none"));
  EXPECT_EQ(value(facts, "broadcast in a guest"), "not a guest");
}

TEST(FlushFacts, WhatTheArm64LogNames) {
  FlushSources sources = neoverse();
  sources.log.text +=
      "CPU features: detected: TLB range maintenance instructions\n"
      "CPU features: detected: Kernel page table isolation (KPTI)\n"
      "CPU features: detected: C1-Pro SME DVMSync early acknowledgement on CPU0-3\n"
      "CPU features: detected: BBM Level 3\n";
  const std::vector<FlushFact> facts = arm64_flush_facts(sources);
  EXPECT_EQ(value(facts, "ranged TLBI"), "yes");
  EXPECT_EQ(value(facts, "page-table isolation"), "on");
  EXPECT_EQ(value(facts, "SME DVMSync workaround"), "yes");
  EXPECT_EQ(value(facts, "break-before-make level"), "3");
  sources.config = text("# nothing of it\n");
  EXPECT_THAT(value(arm64_flush_facts(sources), "ranged TLBI"), HasSubstr("built without it"));
  EXPECT_EQ(value(arm64_flush_facts(sources), "contpte"), "no");
}

TEST(FlushFacts, WithoutTheLogTheCoreAndTheConfigurationSaySomething) {
  const std::string name = "TLBI completion repeated";
  FlushSources sources = neoverse();
  sources.log = {.text = {}, .problem = "the kernel log can't be read: needs root"};
  EXPECT_THAT(value(arm64_flush_facts(sources), name), StartsWith("unknown: the kernel log"));
  EXPECT_THAT(value(arm64_flush_facts(sources), name), HasSubstr("is listed"));
  EXPECT_THAT(value(arm64_flush_facts(sources), name), HasSubstr("knows that erratum"));
  sources.config = text("CONFIG_ARM64_CONTPTE=y\n");
  EXPECT_THAT(value(arm64_flush_facts(sources), name), StartsWith("no: the kernel is built"));
  // One listed core among others is enough.
  sources = neoverse();
  sources.log = kernel_log_of("Linux version 6.12.9\n");
  sources.cpuinfo = text(
      "CPU implementer : 0x41\nCPU part : 0xd05\n\nCPU implementer : 0x41\nCPU part : 0xd0b\n");
  EXPECT_THAT(value(arm64_flush_facts(sources), name), HasSubstr("no; a core here is listed"));
  sources.cpuinfo = text("CPU implementer : 0xc0\nCPU part : 0xac3\n");
  EXPECT_THAT(value(arm64_flush_facts(sources), name), HasSubstr("no core here is listed"));
}

TEST(FlushFacts, PreemptionAsItIsNow) {
  FlushSources sources = zen5().sources;
  EXPECT_EQ(preemption_fact(sources).value, "lazy");
  EXPECT_EQ(preemption_fact(sources).source, "debugfs sched/preempt");
  // Without debugfs only the boot is known, and what lockdown forbids to be switched.
  sources.preempt = missing("debugfs: needs root");
  EXPECT_THAT(preemption_fact(sources).value, StartsWith("unknown: lazy at boot"));
  sources.debugfs_closed = true;
  EXPECT_EQ(preemption_fact(sources).value, "lazy");
  EXPECT_THAT(preemption_fact(sources).source, StartsWith("kernel configuration"));
  sources.log.text += "[ 0.2] Dynamic Preempt: full\n";
  EXPECT_EQ(preemption_fact(sources).value, "full");
  EXPECT_THAT(preemption_fact(sources).source, StartsWith("kernel log"));
  sources.log = kernel_log_of("[ 0.2] Dynamic Preempt: unsupported mode: none\n");
  EXPECT_EQ(preemption_fact(sources).value, "lazy");
  sources.command_line = text("preempt=full");
  EXPECT_FALSE(preemption_fact(sources).known());
}

TEST(FlushFacts, PreemptionThatIsBuiltIn) {
  FlushSources sources;
  sources.kernel_version = "#1 SMP Debian 6.1";
  sources.config = text("CONFIG_PREEMPT_VOLUNTARY=y\n");
  EXPECT_EQ(preemption_fact(sources).value, "voluntary");
  sources.config = missing("no such file");
  EXPECT_THAT(preemption_fact(sources).value, StartsWith("unknown: none or voluntary"));
  sources.kernel_version = "#1 SMP PREEMPT_RT Debian 6.1";
  sources.config = text("CONFIG_PREEMPT_RT=y\nCONFIG_PREEMPT=y\n");
  EXPECT_EQ(preemption_fact(sources).value, "full, real-time kernel");
}

TEST(FlushFacts, WhatTheKernelsGatherWasBuiltWith) {
  const std::vector<FlushFact> built = common_flush_facts(zen5().sources);
  EXPECT_EQ(value(built, "page-table reclaim"), "yes");
  EXPECT_THAT(value(built, "page tables freed"), HasSubstr("RCU"));
  EXPECT_THAT(value(built, "gather across VMAs"), StartsWith("one"));
  FlushSources sources = zen5().sources;
  sources.config = text("# nothing of it\n");
  const std::vector<FlushFact> without = common_flush_facts(sources);
  EXPECT_EQ(value(without, "page-table reclaim"), "no");
  EXPECT_THAT(value(without, "gather across VMAs"), StartsWith("a flush at each"));
}

/// Nothing readable: no fact may be missing, none may claim what nobody read.
TEST(FlushFacts, AKernelWithNothingReadable) {
  X86 machine = zen5();
  FlushSources& sources = machine.sources;
  for (FileText* file : {&sources.config, &sources.cpuinfo, &sources.command_line, &sources.preempt,
                         &sources.flush_event}) {
    *file = missing("permission denied (needs root)");
  }
  sources.functions = {.problem = "permission denied (needs root)", .addresses = {}};
  sources.log = {.text = {}, .problem = "the kernel log can't be read: needs root"};
  sources.ceiling_source = "kernel default, debugfs unreadable";
  // What CPUID alone tells of this bare machine, and what holds for every arm64.
  const std::set<std::string> told = {"pages per INVLPGB", "remote flush by the hypervisor",
                                      "remote flush", "broadcast in a guest", "flush ceiling"};
  std::vector<FlushFact> facts = x86_flush_facts(sources, reader(machine.cpuid));
  for (FlushFact& fact : common_flush_facts(sources)) facts.push_back(std::move(fact));
  for (const FlushFact& fact : facts) {
    EXPECT_TRUE(!fact.known() || told.contains(fact.name)) << fact.name << ": " << fact.value;
  }
  EXPECT_FALSE(machine["flush ceiling"].empty());
  EXPECT_THAT(machine["flush ceiling"], StartsWith("unknown"));
  for (const FlushFact& fact : arm64_flush_facts(sources)) {
    EXPECT_TRUE(!fact.known() || told.contains(fact.name)) << fact.name << ": " << fact.value;
  }
}

TEST(FlushFacts, EachHasAMeaningAndASource) {
  FlushSources known;
  known.config = missing("not looked for");
  known.ceiling_source = "not looked for";
  std::vector<FlushFact> facts = x86_flush_facts(zen5().sources, reader(zen5().cpuid));
  for (const auto& more : {common_flush_facts(zen5().sources), arm64_flush_facts(neoverse()),
                           read_flush_facts(known)}) {
    facts.insert(facts.end(), more.begin(), more.end());
  }
  for (const FlushFact& fact : facts) {
    EXPECT_NE(meaning_of_flush_fact(fact.name), "") << fact.name;
    EXPECT_NE(fact.value, "") << fact.name;
    EXPECT_NE(fact.source, "") << fact.name;
  }
  EXPECT_EQ(meaning_of_flush_fact("of a later tlblab"), "");
}

TEST(KernelFunctions, AreWholeNamesOfCode) {
  const KernelFunctions functions = parse_kernel_functions(
      "0000000000000000 t __pfx_wanted\n0000000000000000 T wanted\n"
      "0000000000000000 t wanted_too\n0000000000000000 d data",
      {"wanted", "absent", "data"});
  EXPECT_EQ(functions.addresses, (std::map<std::string, std::uint64_t>{{"wanted", 0}}));
}

TEST(FlushFacts, ALogThatWrappedProvesNoAbsence) {
  EXPECT_EQ(kernel_log_of("[ 0.0] Linux version 6.1\n").problem, "");
  EXPECT_THAT(kernel_log_of("[ 9.0] usb: new device\n").problem, HasSubstr("no longer"));
  EXPECT_EQ(last_said_after(kernel_log_of("a: 1\na: 2\nb"), "a: "), "2");
  EXPECT_EQ(last_said_after(kernel_log_of("a: 1"), "c: "), "");
}

}  // namespace
}  // namespace tlblab
