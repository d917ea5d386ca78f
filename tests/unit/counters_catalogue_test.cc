// SPDX-License-Identifier: GPL-2.0-only
// Which events there are on which machine, and why the others can't be counted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/perf_event.h>

#include <cerrno>
#include <set>

#include "user/counters/events.hh"
#include "user/counters/perf.hh"

namespace tlblab::counters {
namespace {

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
      "{ 13, \"local mm shootdown\" }, { 14, \"remote ipi send\" })";
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
    for (const Event& event : make_catalogue(architecture, {}, "", made_up_tlb_events())) {
      EXPECT_TRUE(names.insert(event.status.name).second) << event.status.name << " twice";
      EXPECT_NE(event.status.source, "") << event.status.name;
      EXPECT_NE(event.status.meaning, "") << event.status.name;
    }
    EXPECT_GT(names.size(), 10u);
  }
}

TEST(Catalogue, ReasonsComeFromTheFormatFile) {
  const auto events =
      make_catalogue(Architecture::kX86, x86_tracepoints(), kX86Interrupts, made_up_tlb_events());
  EXPECT_EQ(find(events, "tlb_flush.remote").filter, "reason==11");
  EXPECT_EQ(find(events, "tlb_flush.local").filter, "reason==12");
  EXPECT_EQ(find(events, "tlb_flush.local_mm").filter, "reason==13");
  EXPECT_EQ(find(events, "tlb_flush.remote_send").filter, "reason==14");
  EXPECT_EQ(find(events, "tlb_flush.local_mm.full").filter,
            "reason==13 && pages==18446744073709551615");
  for (const Event& event : events) EXPECT_EQ(event.status.unavailable, "") << event.status.name;
}

TEST(Catalogue, UnknownReasonIsNotGuessed) {
  Tracepoints tracepoints = x86_tracepoints();
  tracepoints["tlb:tlb_flush"].format =
      "__print_symbolic(REC->reason, { 13, \"local mm shootdown\" })";
  const auto events =
      make_catalogue(Architecture::kX86, tracepoints, kX86Interrupts, made_up_tlb_events());
  EXPECT_EQ(find(events, "tlb_flush.local_mm").status.unavailable, "");
  EXPECT_THAT(find(events, "tlb_flush.remote").status.unavailable, HasSubstr("remote shootdown"));
  EXPECT_THAT(find(events, "tlb_flush.local_mm.full").status.unavailable, HasSubstr("no pages"));
}

TEST(Catalogue, MissingTracepointKeepsItsReason) {
  Tracepoints tracepoints = x86_tracepoints();
  tracepoints["ipi:ipi_send_cpu"] = {.problem = "no such file", .id = 0, .format = ""};
  const auto events = make_catalogue(Architecture::kX86, tracepoints, "", {});
  EXPECT_EQ(find(events, "ipi_send_cpu").status.unavailable, "no such file");
  EXPECT_EQ(find(events, "ipi_send_cpumask").status.unavailable, "");
  EXPECT_NE(find(events, "TLB").status.unavailable, "");
}

TEST(Catalogue, RescheduleInterruptsAreToldFromCalls) {
  Tracepoints tracepoints = x86_tracepoints();
  tracepoints["ipi:ipi_send_cpu"].format = "\tfield:void * callback;\toffset:24;\tsize:8;\n";
  const auto events =
      make_catalogue(Architecture::kX86, tracepoints, kX86Interrupts, made_up_tlb_events());
  EXPECT_EQ(find(events, "ipi_send_cpu").filter, "callback!=0");
  EXPECT_EQ(find(events, "ipi_send_cpumask").filter, "");
}

TEST(Catalogue, Arm64HasNoFlushToCount) {
  Tracepoints tracepoints;
  for (const std::string& name : wanted_tracepoints(Architecture::kArm64)) {
    tracepoints[name] = {.problem = "", .id = 7, .format = ""};
  }
  const auto events = make_catalogue(Architecture::kArm64, tracepoints, kArm64Interrupts, {});
  EXPECT_THAT(find(events, "tlb_flush.local_mm").status.unavailable, HasSubstr("TLBI broadcast"));
  EXPECT_THAT(find(events, "TLB").status.unavailable, HasSubstr("TLBI broadcast"));
  EXPECT_EQ(find(events, "CAL").row, "IPI1");
  EXPECT_EQ(find(events, "CAL").status.unavailable, "");
  EXPECT_EQ(find(events, "ipi_entry.function_call").filter,
            "reason == \"Function call interrupts\"");
}

TEST(Catalogue, OwnReadingsAreTakenOffWhereTheyCount) {
  const auto x86 =
      make_catalogue(Architecture::kX86, x86_tracepoints(), kX86Interrupts, made_up_tlb_events());
  EXPECT_EQ(find(x86, "call_function_single_entry").own_reads, OwnReads::kCountedOnce);
  EXPECT_EQ(find(x86, "CAL").own_reads, OwnReads::kCountedOnce);
  EXPECT_EQ(find(x86, "TLB").own_reads, OwnReads::kNotCounted);
  EXPECT_EQ(find(x86, "tlb_flush.remote").own_reads, OwnReads::kNotCounted);
}

PerfContext context(Reach reach) {
  PerfContext result;
  result.reach = reach;
  result.paranoid = 2;
  return result;
}

TEST(Refusal, UserModeOnlyMeansNoKernelEvents) {
  const auto events =
      make_catalogue(Architecture::kX86, x86_tracepoints(), kX86Interrupts, made_up_tlb_events());
  const PerfContext user_only = context(Reach::kThreadUser);
  for (const char* name : {"tlb_flush.remote", "ipi_send_cpu", "context-switches"}) {
    EXPECT_THAT(refusal(find(events, name), user_only), HasSubstr("perf_event_paranoid is 2"));
    EXPECT_EQ(refusal(find(events, name), context(Reach::kThread)), "");
  }
  for (const char* name : {"page-faults", "dtlb_load_walks", "TLB"}) {
    EXPECT_EQ(refusal(find(events, name), user_only), "");
  }
}

TEST(Refusal, ForbiddenPerfLeavesTheInterruptRows) {
  const auto events =
      make_catalogue(Architecture::kX86, x86_tracepoints(), kX86Interrupts, made_up_tlb_events());
  PerfContext none = context(Reach::kNone);
  none.error = EPERM;
  none.paranoid.reset();
  EXPECT_THAT(refusal(find(events, "page-faults"), none), HasSubstr("sandbox"));
  EXPECT_EQ(refusal(find(events, "CAL"), none), "");
  none.error = ENOSYS;
  EXPECT_THAT(refusal(find(events, "page-faults"), none), HasSubstr("without perf events"));
}

TEST(OpenErrors, EachSaysWhatIsMissing) {
  const auto events =
      make_catalogue(Architecture::kX86, x86_tracepoints(), kX86Interrupts, made_up_tlb_events());
  const Event& hardware = find(events, "dtlb_load_walks");
  const Event& flush = find(events, "tlb_flush.remote");
  EXPECT_THAT(explain_open_error(hardware, context(Reach::kCpu), ENOENT),
              HasSubstr("has no such event"));
  EXPECT_THAT(explain_open_error(hardware, context(Reach::kCpu), EOPNOTSUPP),
              HasSubstr("has no such event"));
  EXPECT_THAT(explain_open_error(flush, context(Reach::kCpu), EACCES), HasSubstr("CAP_PERFMON"));
  EXPECT_THAT(explain_open_error(flush, context(Reach::kCpu), EINVAL), HasSubstr("filter"));
  EXPECT_THAT(explain_open_error(flush, context(Reach::kCpu), EMFILE), HasSubstr("ulimit"));
}

}  // namespace
}  // namespace tlblab::counters
