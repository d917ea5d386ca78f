// SPDX-License-Identifier: GPL-2.0-only
// Which events there are on which machine, and why the others can't be counted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/perf_event.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <set>

#include "user/counters/events.hh"
#include "user/counters/perf.hh"
#include "user/counters/request_probes.hh"

namespace tlblab::counters {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kX86Interrupts =
    " CPU0\nCAL: 1 Function call interrupts\nTLB: 2 TLB shootdowns\n";
constexpr const char* kArm64Interrupts = " CPU0\nIPI1: 1 Function call interrupts\n";

/// Reasons numbered as no kernel does: what the catalogue says must come from here.
Tracepoints x86_tracepoints() {
  Tracepoints tracepoints;
  unsigned id = 100;
  for (const std::string& name : wanted_tracepoints(Architecture::kX86)) {
    tracepoints[name] = {.problem = "", .id = id++, .format = ""};
  }
  tracepoints["tlb:tlb_flush"].format =
      "\tfield:unsigned long pages;\toffset:16;\n"
      "__print_symbolic(REC->reason, { 11, \"remote shootdown\" }, { 12, \"Local Shootdown\" }, "
      "{ 13, \"local mm shootdown\" }, { 14, \"remote ipi send\" }, "
      "{ 15, \"Remote Wrong CPU\" })";
  return tracepoints;
}

std::vector<Event> made_up_tlb_events() {
  Event event;
  event.status = {.name = "dtlb_load_walks",
                  .source = "made up",
                  .meaning = "made up",
                  .scope = Scope::kBoth,
                  .unavailable = ""};
  event.kind = EventKind::kHardware;
  event.in_kernel = false;
  return {event};
}

constexpr const char* kKallsyms =
    "ffffffff81000100 t flush_tlb_func\n"
    "ffffffff81000200 t tlb_remove_table_smp_sync\n"
    "ffffffff81000300 t __perf_event_read\n"
    "ffffffff81000400 T flush_tlb_mm_range\n"
    "ffffffff81000500 T arch_tlbbatch_flush\n"
    "ffffffff81000600 d flush_tlb_func_count\n"
    "ffffffffc0000000 t flush_tlb_func_too\t[a_module]\n";

/// An x86 machine that has everything.
Sources x86_sources() {
  Sources sources;
  sources.tracepoints = x86_tracepoints();
  sources.functions = parse_kernel_functions(kKallsyms, wanted_functions());
  sources.proc_interrupts = kX86Interrupts;
  const ProbePmu pmu{.problem = "", .type = 9};
  sources.request_probes = make_request_probes(Architecture::kX86, pmu, sources.functions);
  sources.tlb_events = made_up_tlb_events();
  return sources;
}

std::vector<Event> x86_events(const Sources& sources = x86_sources()) {
  return make_catalogue(Architecture::kX86, sources);
}

const Event& find(const std::vector<Event>& events, const std::string& name) {
  static const Event none_such;
  for (const Event& event : events) {
    if (event.status.name == name) return event;
  }
  ADD_FAILURE() << "no event named " << name;
  return none_such;
}

TEST(Catalogue, EveryEventSaysWhatItIs) {
  for (const Architecture architecture : {Architecture::kX86, Architecture::kArm64}) {
    std::set<std::string> names;
    Sources nothing;
    nothing.tlb_events = made_up_tlb_events();
    nothing.request_probes = make_request_probes(architecture, {}, {});
    for (const Event& event : make_catalogue(architecture, nothing)) {
      EXPECT_TRUE(names.insert(event.status.name).second) << event.status.name << " twice";
      EXPECT_NE(event.status.source, "") << event.status.name;
      EXPECT_NE(event.status.meaning, "") << event.status.name;
    }
    EXPECT_GT(names.size(), 10u);
  }
}

TEST(Catalogue, ReasonsComeFromTheFormatFile) {
  const auto events = x86_events();
  EXPECT_EQ(find(events, "tlb_flush.remote").filter, "reason==11");
  EXPECT_EQ(find(events, "tlb_flush.local").filter, "reason==12");
  EXPECT_EQ(find(events, "tlb_flush.local_mm").filter, "reason==13");
  EXPECT_EQ(find(events, "tlb_flush.remote_send").filter, "reason==14");
  EXPECT_EQ(find(events, "tlb_flush.local_mm.full").filter,
            "reason==13 && pages==18446744073709551615");
  for (const Event& event : events) EXPECT_EQ(event.status.unavailable, "") << event.status.name;
}

TEST(Catalogue, UnknownReasonIsNotGuessed) {
  Sources sources = x86_sources();
  sources.tracepoints["tlb:tlb_flush"].format =
      "__print_symbolic(REC->reason, { 13, \"local mm shootdown\" })";
  const auto events = x86_events(sources);
  EXPECT_EQ(find(events, "tlb_flush.local_mm").status.unavailable, "");
  EXPECT_THAT(find(events, "tlb_flush.remote").status.unavailable, HasSubstr("remote shootdown"));
  EXPECT_THAT(find(events, "tlb_flush.local_mm.full").status.unavailable, HasSubstr("no pages"));
}

TEST(Catalogue, MissingTracepointKeepsItsReason) {
  Sources sources = x86_sources();
  sources.proc_interrupts.clear();
  for (const char* name : {"ipi:ipi_send_cpu", "csd:csd_queue_cpu"}) {
    sources.tracepoints[name] = {.problem = "no such file", .id = 0, .format = ""};
  }
  const auto events = x86_events(sources);
  for (const char* name : {"csd_queue", "csd_queue.flush", "csd_queue.table_sync"}) {
    EXPECT_EQ(find(events, name).status.unavailable, "no such file");
  }
  EXPECT_EQ(find(events, "csd_entry.flush").status.unavailable, "");
  EXPECT_EQ(find(events, "ipi_send_cpu").status.unavailable, "no such file");
  EXPECT_EQ(find(events, "ipi_send_cpumask").status.unavailable, "");
  EXPECT_NE(find(events, "TLB").status.unavailable, "");
}

TEST(Catalogue, RescheduleInterruptsAreToldFromCalls) {
  Sources sources = x86_sources();
  sources.tracepoints["ipi:ipi_send_cpu"].format =
      "\tfield:void * callback;\toffset:24;\tsize:8;\n";
  const auto events = x86_events(sources);
  EXPECT_EQ(find(events, "ipi_send_cpu").filter, "callback!=0");
  EXPECT_EQ(find(events, "ipi_send_cpumask").filter, "");
}

TEST(Catalogue, Arm64HasNoFlushToCount) {
  Sources sources;
  for (const std::string& name : wanted_tracepoints(Architecture::kArm64)) {
    sources.tracepoints[name] = {.problem = "", .id = 7, .format = ""};
  }
  sources.proc_interrupts = kArm64Interrupts;
  sources.functions =
      parse_kernel_functions("ffff800080000000 t tlb_remove_table_smp_sync\n", wanted_functions());
  sources.request_probes = make_request_probes(Architecture::kArm64, {}, sources.functions);
  const auto events = make_catalogue(Architecture::kArm64, sources);
  EXPECT_EQ(find(events, "csd_queue.table_sync").status.unavailable, "");
  EXPECT_THAT(find(events, "csd_queue.flush").status.unavailable,
              HasSubstr("no function flush_tlb_func"));
  EXPECT_THAT(find(events, "request.mm_range").status.unavailable, HasSubstr("inline"));
  EXPECT_THAT(find(events, "tlb_flush.local_mm").status.unavailable, HasSubstr("TLBI broadcast"));
  EXPECT_THAT(find(events, "TLB").status.unavailable, HasSubstr("TLBI broadcast"));
  EXPECT_EQ(find(events, "CAL").row, "IPI1");
  EXPECT_EQ(find(events, "CAL").status.unavailable, "");
  EXPECT_EQ(find(events, "ipi_entry.function_call").filter,
            "reason == \"Function call interrupts\"");
}

TEST(Catalogue, OwnReadingsAreTakenOffWhereTheyCount) {
  const auto x86 = x86_events();
  EXPECT_EQ(find(x86, "call_function_single_entry").own_reads, OwnReads::kCountedOnce);
  EXPECT_EQ(find(x86, "CAL").own_reads, OwnReads::kCountedOnce);
  EXPECT_EQ(find(x86, "TLB").own_reads, OwnReads::kNotCounted);
  EXPECT_EQ(find(x86, "csd_entry").own_reads, OwnReads::kCountedOnce);
  EXPECT_EQ(find(x86, "csd_entry.flush").own_reads, OwnReads::kNotCounted);
  // On the initiator's thread none of them arrives; of all readings these tell, so none goes off.
  EXPECT_EQ(find(x86, "csd_queue").own_reads, OwnReads::kNotCounted);
  EXPECT_EQ(find(x86, "csd_entry.perf_read").own_reads, OwnReads::kNotCounted);
  EXPECT_EQ(find(x86, "tlb_flush.remote").own_reads, OwnReads::kNotCounted);
}

TEST(Catalogue, TheDocumentHasEveryEvent) {
  std::ifstream file("docs/counters.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  ASSERT_NE(text, "") << "run from the top of the tree";
  std::vector<Event> events = x86_events();
  const auto arm64 = make_catalogue(Architecture::kArm64, {});
  events.insert(events.end(), arm64.begin(), arm64.end());
  for (const Event& event : events) {
    if (event.kind == EventKind::kHardware) continue;
    const std::string base = event.status.name.substr(0, event.status.name.find(".full"));
    EXPECT_THAT(text, HasSubstr("`" + base + "`"));
  }
}

TEST(Catalogue, FunctionsAreFilteredByNameElseByAddress) {
  const auto events = x86_events();
  const Event& flush = find(events, "csd_queue.flush");
  EXPECT_EQ(flush.filter, "func.function==flush_tlb_func");
  EXPECT_EQ(flush.second_filter, "func==0xffffffff81000100");
  EXPECT_EQ(flush.no_second_filter, "");
}

TEST(Catalogue, ATargetIsAFurtherCondition) {
  const auto events = x86_events();
  const Event flush = toward(find(events, "csd_queue.flush"), 7);
  EXPECT_EQ(flush.filter, "func.function==flush_tlb_func && cpu==7");
  EXPECT_EQ(flush.second_filter, "func==0xffffffff81000100 && cpu==7");
  const Event any = toward(find(events, "csd_queue"), 7);
  EXPECT_EQ(any.filter, "cpu==7");
  EXPECT_EQ(any.second_filter, "");
  EXPECT_EQ(toward(find(events, "ipi_send_cpumask"), 7).filter, "cpumask & CPUS{7}");
}

TEST(Catalogue, AHiddenAddressIsNeverFilteredBy) {
  Sources sources = x86_sources();
  sources.functions =
      parse_kernel_functions("0000000000000000 t flush_tlb_func\n", wanted_functions());
  auto events = x86_events(sources);
  const Event& hidden = find(events, "csd_entry.flush");
  EXPECT_EQ(hidden.status.unavailable, "");  // a kernel that takes the name needs no address
  EXPECT_EQ(hidden.second_filter, "");
  EXPECT_THAT(hidden.no_second_filter, HasSubstr("kptr_restrict"));
  EXPECT_THAT(find(events, "csd_entry.table_sync").status.unavailable,
              HasSubstr("no function tlb_remove_table_smp_sync"));
  sources.functions = {.problem = "/proc/kallsyms: no such file", .addresses = {}};
  events = x86_events(sources);
  EXPECT_EQ(find(events, "csd_entry.flush").status.unavailable, "");
  EXPECT_THAT(find(events, "csd_entry.flush").no_second_filter, HasSubstr("no such file"));
}

TEST(KernelFunctions, OnlyFunctionsOfJustThatName) {
  const KernelFunctions functions =
      parse_kernel_functions(std::string("torn\n12\n\n") + kKallsyms, {"flush_tlb_func"});
  EXPECT_EQ(functions.addresses,
            (std::map<std::string, std::uint64_t>{{"flush_tlb_func", 0xffffffff81000100}}));
}

TEST(RequestProbes, EachRefusalHasItsWord) {
  const auto probe = [](const ProbePmu& pmu, const char* kallsyms) {
    return make_request_probes(Architecture::kX86, pmu,
                               parse_kernel_functions(kallsyms, wanted_functions()))
        .front();
  };
  const ProbePmu pmu = parse_probe_pmu({.text = "9", .problem = ""});
  EXPECT_EQ(pmu.type, 9u);
  const Event fine = probe(pmu, kKallsyms);
  EXPECT_EQ(fine.status.unavailable, "");
  EXPECT_EQ(fine.perf_type, 9u);
  EXPECT_EQ(fine.probed, "flush_tlb_mm_range");
  EXPECT_THAT(probe(pmu, "").status.unavailable, HasSubstr("no function flush_tlb_mm_range"));
  EXPECT_THAT(probe(parse_probe_pmu({.text = "", .problem = "gone"}), kKallsyms).status.unavailable,
              HasSubstr("CONFIG_KPROBE_EVENTS"));
  EXPECT_THAT(probe(parse_probe_pmu({.text = "9x", .problem = ""}), kKallsyms).status.unavailable,
              HasSubstr("no number"));
}

PerfContext context(Reach reach) {
  PerfContext result;
  result.reach = reach;
  result.paranoid = 2;
  return result;
}

TEST(Refusal, UserModeOnlyMeansNoKernelEvents) {
  const auto events = x86_events();
  const PerfContext user_only = context(Reach::kThreadUser);
  for (const char* name : {"tlb_flush.remote", "ipi_send_cpu", "context-switches"}) {
    EXPECT_THAT(refusal(find(events, name), user_only), HasSubstr("perf_event_paranoid is 2"));
    EXPECT_EQ(refusal(find(events, name), context(Reach::kThread)), "");
  }
  for (const char* name : {"page-faults", "dtlb_load_walks", "TLB"}) {
    EXPECT_EQ(refusal(find(events, name), user_only), "");
  }
}

TEST(Refusal, HandlersAreCountedOnWholeCpusOnly) {
  const auto events = x86_events();
  const Event& handled = find(events, "csd_entry.flush");
  EXPECT_THAT(refusal(handled, context(Reach::kThread)), HasSubstr("as a whole"));
  EXPECT_EQ(refusal(handled, context(Reach::kCpu)), "");
  EXPECT_EQ(refusal(find(events, "csd_queue.flush"), context(Reach::kThread)), "");
}

TEST(Refusal, ForbiddenPerfLeavesTheInterruptRows) {
  const auto events = x86_events();
  PerfContext none = context(Reach::kNone);
  none.error = EPERM;
  none.paranoid.reset();
  EXPECT_THAT(refusal(find(events, "page-faults"), none), HasSubstr("sandbox"));
  EXPECT_EQ(refusal(find(events, "CAL"), none), "");
  none.error = ENOSYS;
  EXPECT_THAT(refusal(find(events, "page-faults"), none), HasSubstr("without perf events"));
}

TEST(OpenErrors, EachSaysWhatIsMissing) {
  const auto events = x86_events();
  const Event& hardware = find(events, "dtlb_load_walks");
  const Event& flush = find(events, "tlb_flush.remote");
  EXPECT_THAT(explain_open_error(hardware, context(Reach::kCpu), ENOENT),
              HasSubstr("has no such event"));
  EXPECT_THAT(explain_open_error(hardware, context(Reach::kCpu), EOPNOTSUPP),
              HasSubstr("has no such event"));
  const Event& probe = find(events, "request.mm_range");
  EXPECT_THAT(explain_open_error(probe, context(Reach::kThread), EACCES),
              AllOf(HasSubstr("probe on flush_tlb_mm_range"), HasSubstr("CAP_PERFMON"),
                    HasSubstr("locked down")));
  EXPECT_THAT(explain_open_error(probe, context(Reach::kCpu), EINVAL), HasSubstr("no probe"));
  Event hidden = find(events, "csd_entry.flush");
  EXPECT_THAT(explain_open_error(hidden, context(Reach::kCpu), EINVAL),
              HasSubstr("or \"func==0xffffffff81000100\""));
  hidden.second_filter.clear();
  hidden.no_second_filter = "hidden";
  EXPECT_THAT(explain_open_error(hidden, context(Reach::kCpu), EINVAL),
              HasSubstr("address is not known: hidden"));
  EXPECT_THAT(explain_open_error(flush, context(Reach::kCpu), EACCES), HasSubstr("CAP_PERFMON"));
  EXPECT_THAT(explain_open_error(flush, context(Reach::kCpu), EINVAL), HasSubstr("filter"));
  EXPECT_THAT(explain_open_error(flush, context(Reach::kCpu), EMFILE), HasSubstr("ulimit"));
}

}  // namespace
}  // namespace tlblab::counters
