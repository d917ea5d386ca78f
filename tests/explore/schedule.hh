// SPDX-License-Identifier: GPL-2.0-only
// From a trace to a schedule: the order in which a guest can make the same happen, with the
// module's paced operations (struct tlblab_pace) and a reading thread on each CPU.
//
// A guest's steps are larger than the model's. An operation stops before it clears an entry,
// flushes, releases a frame or returns, and runs freely from one such place to the next; a flush is
// one step, all CPUs together. Whether a trace survives that is tested: its schedule is followed on
// the model, in those steps, and must end as the trace did.
#pragma once

#include <optional>
#include <string>

#include "tests/explore/scenario.hh"

namespace tlblab::explore {

enum class StepKind : u8 { kClear, kFlush, kRelease, kReturn, kRead };

struct ScheduleStep {
  StepKind kind;
  u32 cpu;
  u32 page;  ///< 0 for kFlush and kReturn
};

struct Schedule {
  std::vector<ScheduleStep> steps;
  /// Then this CPU reaches this page, which violates the rule.
  u32 last_cpu = 0;
  u32 last_page = 0;
};

/// How a guest can replay a trace: by a schedule, or not at all.
struct GuestSchedule {
  std::optional<Schedule> schedule = {};
  std::string explorer_only = {};  ///< why there is none, in a word or two
};

/// `trace` ends in `violation`.
GuestSchedule guest_schedule(Machine& machine, const Scenario& scenario, const Trace& trace,
                             Violation violation);

/// Whether the schedule can be followed to its end, and the last CPU reaches the page.
bool follow(Machine& machine, const Schedule& schedule, Violation violation);

/// For tests/vm/schedule.cc, which says what the lines mean.
std::string text_of(const Scenario& scenario, const Schedule& schedule);

}  // namespace tlblab::explore
