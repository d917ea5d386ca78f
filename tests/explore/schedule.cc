// SPDX-License-Identifier: GPL-2.0-only
// Schedules: read off a trace, followed on the model, written down.
#include "tests/explore/schedule.hh"

#include <bit>
#include <cstdio>

#include "tests/explore/counterexample.hh"

namespace tlblab::explore {

namespace {

/// Pages that must not be reachable any more when that violation is checked.
u8 forbidden(const State& state, Violation violation) {
  return violation == Violation::kLeak          ? state.released
         : violation == Violation::kAfterReturn ? state.returned
                                                : 0;
}

/// Its code is in user space: it never was in the kernel, or has returned.
bool is_idle(const Machine& machine, u32 cpu) {
  return cpu >= machine.nr_fibres() || machine.state.pending[cpu].kind == OpKind::kDone;
}

/// Steps of the trace in a guest's terms. A clear is where it becomes visible, a flush where the
/// first CPU carries it out.
class TraceReader {
 public:
  explicit TraceReader(Machine& machine) : machine_(machine) { machine_.reset(); }

  void take(StepId id) {
    const State& s = machine_.state;
    if (id < kDrainStep) {
      read_operation(id, s.pending[id]);
    } else if (id < kDeliverStep) {
      const u32 cell = s.buffer[id - kDrainStep][0] >> 16;
      if (cell < kPointerCell) put(StepKind::kClear, id - kDrainStep, cell);
    } else if (id < kPointerStep) {
      put_flush((id - kDeliverStep) / kMaxCpus);
    }
    const bool fills = id >= kFillStep && id < kWriteStep;
    const u32 cpu = (id - kFillStep) / kMaxPages;
    const u32 page = (id - kFillStep) % kMaxPages;
    machine_.step(id);
    if (fills && (s.tlb[cpu] >> page & 1) != 0) put(StepKind::kRead, cpu, page);
  }

  std::vector<ScheduleStep> steps;

 private:
  void put(StepKind kind, u32 cpu, u32 page = 0) { steps.push_back({kind, cpu, page}); }
  void put_flush(u32 cpu) {
    if ((flushing_ >> cpu & 1) != 0) put(StepKind::kFlush, cpu);
    flushing_ &= ~(1U << cpu);
  }

  void read_operation(u32 cpu, const Op& op) {
    switch (op.kind) {
      case OpKind::kClearLocked:
        put(StepKind::kClear, cpu, op.a);
        break;
      case OpKind::kClearPlain:
        // Else it stores, and that comes when the store is drained.
        if ((machine_.state.cell[kEntryCell + op.a] & kPresent) == 0)
          put(StepKind::kClear, cpu, op.a);
        break;
      case OpKind::kPost:
        flushing_ |= 1U << cpu;
        break;
      case OpKind::kWait:
        put_flush(cpu);
        break;
      case OpKind::kRelease:
        put(StepKind::kRelease, cpu, op.a);
        break;
      case OpKind::kReturn:
        put(StepKind::kReturn, cpu);
        break;
      default:
        break;
    }
  }

  Machine& machine_;
  u32 flushing_ = 0;  ///< CPUs whose request is posted and not yet carried out anywhere
};

/// Takes the model's CPUs through a schedule, as tests/vm/replay_test.cc does a guest's.
class Controller {
 public:
  explicit Controller(Machine& machine) : machine_(machine) { machine_.reset(); }

  /// False if it can't be taken.
  bool take(const ScheduleStep& step) {
    if (step.kind == StepKind::kRead) return read(step.cpu, step.page);
    if (is_idle(machine_, step.cpu)) return false;
    // A call begins when it is first needed.
    if ((begun_ >> step.cpu & 1) == 0 && !go_on(step.cpu)) return false;
    begun_ |= 1U << step.cpu;
    const Op op = machine_.state.pending[step.cpu];
    const bool has_page = step.kind == StepKind::kClear || step.kind == StepKind::kRelease;
    if (kind_of(op) != step.kind || (has_page && op.a != step.page)) return false;
    return take_fibre_step(step.cpu) &&
           (step.kind != StepKind::kFlush || complete_flush(step.cpu)) && go_on(step.cpu);
  }

  /// A CPU in user space touches a page.
  bool read(u32 cpu, u32 page) {
    if (!is_idle(machine_, cpu)) return false;
    if ((machine_.state.tlb[cpu] >> page & 1) != 0) return true;
    take_if_enabled(static_cast<StepId>(kPointerStep + cpu * kMaxTables + machine_.table_of(page)));
    const auto fill = static_cast<StepId>(kFillStep + cpu * kMaxPages + page);
    while ((machine_.state.tlb[cpu] >> page & 1) == 0) {
      if (!take_if_enabled(fill)) return false;
    }
    return true;
  }

 private:
  /// kRead: none at which an operation stops.
  static StepKind kind_of(const Op& op) {
    switch (op.kind) {
      case OpKind::kClearLocked:
      case OpKind::kClearPlain:
        return StepKind::kClear;
      case OpKind::kPost:
        return StepKind::kFlush;
      case OpKind::kRelease:
        return StepKind::kRelease;
      case OpKind::kReturn:
        return StepKind::kReturn;
      default:
        return StepKind::kRead;
    }
  }

  bool take_if_enabled(StepId id) {
    if ((machine_.enabled() >> id & 1) == 0) return false;
    machine_.step(id);
    return true;
  }

  /// Its stores are visible at once.
  bool take_fibre_step(u32 cpu) {
    if (!take_if_enabled(static_cast<StepId>(kFibreStep + cpu))) return false;
    while (take_if_enabled(static_cast<StepId>(kDrainStep + cpu))) {
    }
    return true;
  }

  bool complete_flush(u32 cpu) {
    for (u32 target = 0; target < machine_.config().nr_cpus; ++target) {
      take_if_enabled(static_cast<StepId>(kDeliverStep + cpu * kMaxCpus + target));
    }
    return machine_.state.pending[cpu].kind == OpKind::kWait && take_fibre_step(cpu);
  }

  /// To the next place where an operation stops, or its end; false if it must wait for another CPU.
  bool go_on(u32 cpu) {
    while (!is_idle(machine_, cpu) && kind_of(machine_.state.pending[cpu]) == StepKind::kRead) {
      if (!take_fibre_step(cpu)) return false;
    }
    return true;
  }

  Machine& machine_;
  u32 begun_ = 0;  ///< CPUs whose operation has begun
};

char page_letter(u32 page) { return static_cast<char>('A' + page); }

template <class... Values>
std::string line(const char* format, Values... values) {
  char text[160];
  std::snprintf(text, sizeof(text), format, values...);
  return std::string(text) + '\n';
}

const char* word_of(StepKind kind) {
  const auto name_of = [](u32 step) { return catalogue::find(catalogue::kSteps, step)->name; };
  switch (kind) {
    case StepKind::kClear:
      return name_of(TLBLAB_STEP_CLEAR);
    case StepKind::kFlush:
      return name_of(TLBLAB_STEP_FLUSH);
    case StepKind::kRelease:
      return name_of(TLBLAB_STEP_RELEASE);
    case StepKind::kReturn:
      return name_of(TLBLAB_STEP_RETURN);
    case StepKind::kRead:
      return "read";
  }
  return "?";
}

/// The steps of the trace, if they can be followed to the same end.
std::optional<Schedule> schedule_of(Machine& machine, const Trace& trace, Violation violation) {
  TraceReader reader(machine);
  for (const StepId id : trace) reader.take(id);
  Schedule schedule = {.steps = reader.steps};
  for (u32 cpu = 0; cpu < machine.config().nr_cpus; ++cpu) {
    const u32 reached = machine.state.tlb[cpu] & forbidden(machine.state, violation);
    if (reached == 0 || !is_idle(machine, cpu)) continue;
    schedule.last_cpu = cpu;
    schedule.last_page = static_cast<u32>(std::countr_zero(reached));
    if (follow(machine, schedule, violation)) return schedule;
    break;
  }
  return {};
}

}  // namespace

GuestSchedule guest_schedule(Machine& machine, const Scenario& scenario, const Trace& trace,
                             Violation violation) {
  const std::string limits =
      write_counterexample(machine, scenario, trace, violation).explorer_only;
  if (!limits.empty()) return {.explorer_only = limits};
  if (scenario.requests.empty()) return {.explorer_only = "not in the module"};
  std::optional<Schedule> schedule = schedule_of(machine, trace, violation);
  if (!schedule) return {.explorer_only = "finer steps than a guest's"};
  return {.schedule = std::move(schedule)};
}

bool follow(Machine& machine, const Schedule& schedule, Violation violation) {
  Controller controller(machine);
  for (const ScheduleStep& step : schedule.steps) {
    if (!controller.take(step)) return false;
  }
  return (forbidden(machine.state, violation) >> schedule.last_page & 1) != 0 &&
         controller.read(schedule.last_cpu, schedule.last_page);
}

std::string text_of(const Scenario& scenario, const Schedule& schedule) {
  std::string text = "schedule " + scenario.name + '\n';
  for (u32 page = 0; page < scenario.config.nr_pages; ++page) {
    text += line("page %c %#llx", page_letter(page), scenario.config.page_address[page]);
  }
  for (u32 cpu = 0; cpu < scenario.requests.size(); ++cpu) {
    const Unmap& unmap = scenario.requests[cpu];
    text += line("call %u %u %u %llu %u", cpu, unmap.gather, unmap.extent, unmap.batch_pages,
                 unmap.fault);
    for (const VmaPages& range : unmap.ranges) {
      if (range.is_empty()) continue;
      text += line("range %u %u %c %c", cpu, range.vma, page_letter(range.first),
                   page_letter(range.last));
    }
  }
  for (const ScheduleStep& step : schedule.steps) {
    const bool has_page = step.kind != StepKind::kFlush && step.kind != StepKind::kReturn;
    text += line("step %u %s %c", step.cpu, word_of(step.kind),
                 has_page ? page_letter(step.page) : '-');
  }
  return text +
         line("last %u %c %s", schedule.last_cpu, page_letter(schedule.last_page),
              scenario.expected == Violation::kLeak ? "released" : "returned") +
         "end\n";
}

}  // namespace tlblab::explore
