// SPDX-License-Identifier: GPL-2.0-only
// Facts about flushes on x86.
//
// Sources: AMD64 Architecture Programmer's Manual volume 3, appendix E (0x80000008, 0x80000021);
// Linux arch/x86, of 6.12 and 7.3: mm/tlb.c, mm/pti.c, kernel/cpu/amd.c and cpuid-deps.c,
// kernel/cpu/common.c (tlbi=), kernel/kvm.c, hyperv/mmu.c, include/asm/cpufeatures.h; Linux
// Documentation/virt/kvm/x86/cpuid.rst; Hyper-V Top Level Functional Specification, 2.4.
#include <fmt/format.h>

#include <cstdlib>

#include "user/topology/flush_facts.hh"
#include "user/topology/kernel_config.hh"
#include "user/topology/settings.hh"

namespace tlblab {
namespace {

constexpr const char* kFromCpu = "CPUID, /proc/cpuinfo";
constexpr const char* kNoCpuinfo = "/proc/cpuinfo shows no flags";
// consider_global_asid(): a process gets a global ASID while it is active on so many CPUs.
constexpr unsigned kCpusForGlobalAsid = 4;

constexpr bool bit(std::uint32_t value, unsigned number) { return (value >> number & 1) != 0; }

struct Cpu {
  std::string flags;  ///< what the kernel agreed to use; empty: can't be read
  std::string bugs;
  unsigned family = 0;
  bool amd = false;
  bool invlpgb = false;
  std::uint32_t extended_21_eax = 0;
};

Cpu cpu_of(const FlushSources& sources, const CpuidReader& cpuid) {
  Cpu cpu;
  cpu.flags = value_of_key(sources.cpuinfo.text, "flags");
  cpu.bugs = value_of_key(sources.cpuinfo.text, "bugs");
  const std::string family = value_of_key(sources.cpuinfo.text, "cpu family");
  cpu.family = static_cast<unsigned>(std::strtoul(family.c_str(), nullptr, 10));
  cpu.amd = cpuid(0, 0).ebx == 0x68747541;  // "Auth"enticAMD
  const std::uint32_t last = cpuid(0x80000000, 0).eax;
  if (last >= 0x80000008) cpu.invlpgb = bit(cpuid(0x80000008, 0).ebx, 3);
  if (last >= 0x80000021) cpu.extended_21_eax = cpuid(0x80000021, 0).eax;
  return cpu;
}

/// What the CPU offers, and whether the kernel took it (its boot options can refuse).
FlushFact offered_and_used(const Cpu& cpu, std::string name, bool offered, std::string_view flag) {
  std::string value = "no";
  if (offered && cpu.flags.empty()) value = unknown(kNoCpuinfo);
  if (offered && !cpu.flags.empty()) {
    value = has_word(cpu.flags, flag) ? "yes" : "no: offered by the CPU, not used by this kernel";
  }
  return {std::move(name), std::move(value), kFromCpu};
}

/// A flag that the kernel shows only where it is in use.
FlushFact shown(const Cpu& cpu, std::string name, std::string_view flag, std::string yes,
                std::string no) {
  std::string value = has_word(cpu.flags, flag) ? std::move(yes) : std::move(no);
  if (cpu.flags.empty()) value = unknown(kNoCpuinfo);
  return {std::move(name), std::move(value), fmt::format("/proc/cpuinfo, flag {}", flag)};
}

/// "possible: ...", "not possible: ..." or "unknown: ...".
std::string invlpgb_verdict(const FlushSources& sources, const Cpu& cpu) {
  if (!cpu.invlpgb) return "not possible: the CPU does not offer it";
  // Some of these offer it by mistake, and the kernel clears it.
  if (cpu.amd && cpu.family == 0x17) return "not possible: no Zen 2 has it, whatever CPUID says";
  if (sources.config.ok() && !config_has(sources.config.text, "BROADCAST_TLB_FLUSH")) {
    return "not possible: the kernel is built without BROADCAST_TLB_FLUSH";
  }
  if (has_word(cpu.flags, "pti")) return "not possible: page-table isolation is on";
  if (!cpu.flags.empty() && !has_word(cpu.flags, "pcid")) return "not possible: PCID is off";
  if (command_line_value(sources.command_line.text, "tlbi") == "ipi") {
    return "not possible: tlbi=ipi is on the kernel's command line";
  }
  if (!sources.config.ok()) {
    return unknown("the CPU offers it; whether the kernel has BROADCAST_TLB_FLUSH can't be read");
  }
  if (cpu.flags.empty()) return unknown(fmt::format("the CPU offers it; {}", kNoCpuinfo));
  if (!sources.command_line.ok()) {
    return unknown("the CPU offers it; whether the command line has tlbi=ipi can't be read");
  }
  if (sources.nr_cpus_online < kCpusForGlobalAsid) {
    return fmt::format(
        "possible for reclaim only: a process gets it while it is active on {} CPUs, and {} are "
        "online",
        kCpusForGlobalAsid, sources.nr_cpus_online);
  }
  return fmt::format(
      "possible: for reclaim at once, for a process some time after it became active on {} CPUs",
      kCpusForGlobalAsid);
}

/// Zen 5's erratum 1718. The flag is shown where the kernel repeats.
FlushFact tlbsync_repeated(const Cpu& cpu) {
  constexpr unsigned zen5 = 0x1a;
  constexpr unsigned fixed_by_microcode = 4;
  std::string value = "no";
  if (!cpu.invlpgb) {
    value = "no: there is no TLBSYNC";
  } else if (has_word(cpu.bugs, "tlbi")) {
    value = "yes: erratum 1718";
  } else if (cpu.flags.empty()) {
    value = unknown(kNoCpuinfo);
  } else if (cpu.amd && cpu.family == zen5 && !bit(cpu.extended_21_eax, fixed_by_microcode)) {
    value = "no, though the CPU may have erratum 1718: this kernel does not know it";
  }
  return {"TLBSYNC repeated", value, "/proc/cpuinfo, bug tlbi; CPUID 0x80000021"};
}

/// `words`: what the kernel logs when it takes the hypervisor's offer.
std::string offer_taken(const FlushSources& sources, const char* words, std::string_view yes) {
  if (sources.log.says(words)) return std::string(yes);
  if (sources.log.problem.empty()) return "no: offered, but this kernel did not take it";
  return unknown(fmt::format("offered, and whether it was taken is in the kernel log only; {}",
                             sources.log.problem));
}

std::string hypervisor_flush(const FlushSources& sources, const CpuidReader& cpuid) {
  if (!bit(cpuid(1, 0).ecx, 31)) return "no: no hypervisor seen";
  const CpuidRegisters base = cpuid(0x40000000, 0);
  if (base.ebx == 0x4b4d564b && base.eax >= 0x40000001) {  // "KVMK"
    const CpuidRegisters features = cpuid(0x40000001, 0);
    if (!bit(features.eax, 9)) return "no: KVM does not offer it (leaf 0x40000001, bit 9)";
    // Linux takes the offer under these conditions (arch/x86/kernel/kvm.c).
    if (!bit(features.eax, 5)) return "no: KVM offers it, but without steal time";
    if (bit(features.edx, 0)) return "no: KVM offers it, but hints that its CPUs are dedicated";
    if (bit(cpuid(1, 0).ecx, 3)) return "no: KVM offers it, but MWAIT, too";
    return offer_taken(sources, "KVM setup pv remote TLB flush",
                       "yes: KVM's, for CPUs that are preempted");
  }
  if (base.ebx == 0x7263694d && base.eax >= 0x40000004) {  // "Micr"osoft Hv
    if (!bit(cpuid(0x40000004, 0).eax, 2)) return "no: Hyper-V does not recommend it";
    return offer_taken(sources, "Using hypercall for remote TLB flush",
                       "yes: Hyper-V's, by hypercall");
  }
  if (base.ebx == 0x566e6558) {  // "XenV"
    return unknown("Xen's paravirtual guests flush by hypercall, its others don't");
  }
  return unknown("this hypervisor's ways are not known here");
}

/// A function's name tells, because stable kernels have it, too. The event's reason came later.
FlushFact lazy_trimming(const FlushSources& sources) {
  const std::string name = "lazy mask trimming";
  const KernelFunctions& functions = sources.functions;
  if (functions.addresses.contains(kTrimmedFunction)) {
    return {name, "yes", fmt::format("/proc/kallsyms, {}", kTrimmedFunction)};
  }
  if (functions.addresses.contains(kUntrimmedFunction)) {
    return {name, "no", fmt::format("/proc/kallsyms, {}", kUntrimmedFunction)};
  }
  if (sources.flush_event.text.find("remote wrong CPU") != std::string::npos) {
    return {name, "yes", "format of tlb:tlb_flush, \"remote wrong CPU\""};
  }
  const std::string why = functions.problem.empty()
                              ? "/proc/kallsyms has neither function that would tell"
                              : functions.problem;
  return {name, unknown(why), "/proc/kallsyms, format of tlb:tlb_flush"};
}

/// Known only where the kernel's variable was read.
FlushFact ceiling(const FlushSources& sources) {
  if (sources.ceiling_source == "debugfs") {
    return {"flush ceiling", fmt::format("{} pages", sources.ceiling_pages), "debugfs"};
  }
  return {"flush ceiling",
          unknown(fmt::format("the kernel's default is {} pages", sources.ceiling_pages)),
          sources.ceiling_source};
}

}  // namespace

std::vector<FlushFact> x86_flush_facts(const FlushSources& sources, const CpuidReader& cpuid) {
  const Cpu cpu = cpu_of(sources, cpuid);
  const bool leaf_7 = cpuid(0, 0).eax >= 7;
  std::vector<FlushFact> facts = {
      offered_and_used(cpu, "PCID", bit(cpuid(1, 0).ecx, 17), "pcid"),
      offered_and_used(cpu, "INVPCID", leaf_7 && bit(cpuid(7, 0).ebx, 10), "invpcid"),
      shown(cpu, "page-table isolation", "pti", "on", "off"),
      shown(cpu, "LAM", "lam", "yes", "no"),
      shown(cpu, "5-level page tables", "la57", "yes", "no"),
      {kInvlpgb, invlpgb_verdict(sources, cpu),
       "CPUID 0x80000008, /proc/cpuinfo, kernel configuration and command line"}};
  if (cpu.invlpgb) {
    const std::uint32_t more = cpuid(0x80000008, 0).edx & 0xffff;
    facts.push_back({"pages per INVLPGB", fmt::format("{}", more + 1), "CPUID 0x80000008"});
  }
  facts.push_back(tlbsync_repeated(cpu));
  facts.push_back({kHypervisorFlush, hypervisor_flush(sources, cpuid), "CPUID, kernel log"});
  facts.push_back(lazy_trimming(sources));
  facts.push_back(ceiling(sources));
  return facts;
}

}  // namespace tlblab
