// SPDX-License-Identifier: GPL-2.0-only
// Which events can be counted here, and counting them around one operation.
//
// The order of the readings matters, because reading a counter of another CPU sends it a
// function-call interrupt, which other counters then see:
//   begin():  /proc/interrupts, responders, initiator
//   end():                      initiator, responders, /proc/interrupts
// so the initiator's counters, those of what it sends to each responder among them, see none of our
// own interrupts, a responder's own counters and the rows of /proc/interrupts see a known number of
// them, which is subtracted. The processor's events see what handling them takes, too, and the
// initiator's the end of one reading and the begin of the next: that part is measured, and
// subtracted likewise.
#include "user/counters/counters.hh"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <exception>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <thread>

#include "user/counters/events.hh"
#include "user/counters/interrupts.hh"
#include "user/counters/perf.hh"
#include "user/support/error.hh"
#include "user/topology/placement.hh"

namespace tlblab::counters {
namespace {

std::string_view view(const std::vector<char>& text) { return {text.data(), text.size()}; }

/// Events must not vanish because many responders exceed the usual limit of 1024 open files.
void make_room_for_files(std::size_t nr_files) {
  rlimit limit{};
  const rlim_t wanted = nr_files + 256;  // what else the process has open
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// The initiator is a thread: what its neighbours on the CPU do is not the operation's. A responder
/// is a CPU where that is allowed: what interrupts it runs in nobody's name.
Reach initiator_reach(Reach reach) { return reach == Reach::kCpu ? Reach::kThread : reach; }

/// Pairs of readings with nothing between them, of which the least is taken.
constexpr int kEmptyPairs = 32;

constexpr const char* kNeverOn =
    "its counter was never on for a whole reading: something else holds it (the NMI watchdog, a "
    "profiler), or it is shared, and scaling up would be a guess";

/// The counters of one CPU (or thread).
struct CpuCounters {
  Subject subject;
  bool is_initiator = false;
  std::vector<Group> groups;    // read in every pair, outermost first: tracepoints, software
  std::vector<Group> hardware;  // one of them is read in each pair, innermost
  std::size_t turn = 0;         // which
  Counts own_part;              // of each measured event: what readings alone show

  [[nodiscard]] bool counts(const Event& event) const {
    const bool has_side = event.status.scope == Scope::kBoth ||
                          (event.status.scope != Scope::kResponders) == is_initiator;
    const bool has_core = event.cpus.empty() || std::find(event.cpus.begin(), event.cpus.end(),
                                                          subject.cpu) != event.cpus.end();
    return has_side && has_core;
  }

  /// Returns 0, or the errno of the refusal: the event is then unknown on this CPU.
  ///
  /// A group holds events of one kind only. Mixed groups fail silently: on a CPU as a whole, some
  /// kernels (seen on 6.18) never start a software event that joins a tracepoint's group, or the
  /// other way round, and the group's own times don't show it.
  int add(const Event& event, Reach reach) {
    std::vector<Group>& same_kind = event.kind == EventKind::kHardware ? hardware : groups;
    int error = EINVAL;
    if (!same_kind.empty()) {
      const Event& first = *same_kind.back().events().front();
      if (first.kind == event.kind && first.set == event.set) {
        error = same_kind.back().add(event, reach, subject);
      }
    }
    // The first of its kind, the hardware has no room beside the others, or a reading of them all
    // would be longer than the kernel allows.
    if (error == EINVAL || error == E2BIG) {
      Group group;
      error = group.add(event, reach, subject);
      if (error == 0) same_kind.push_back(std::move(group));
    }
    if (error != EMFILE) return error;
    throw Error(ExitStatus::kMachine,
                fmt::format("too many open files for the counters of CPU {}", subject.cpu),
                "Raise the limit with `ulimit -n`, or use fewer responders.");
  }

  void take_turn(std::size_t which) {
    if (hardware.empty()) return;
    hardware[turn].enable(false);
    turn = which % hardware.size();
    hardware[turn].enable(true);
  }

  [[nodiscard]] std::size_t nr_read() const { return groups.size() + (hardware.empty() ? 0 : 1); }
  [[nodiscard]] Group& read_group(std::size_t i) {
    return i < groups.size() ? groups[i] : hardware[turn];
  }

  void read_begin() {
    for (std::size_t i = 0; i < nr_read(); ++i) read_group(i).read_begin();
  }
  void read_end() {
    for (std::size_t i = nr_read(); i-- > 0;) read_group(i).read_end();
  }

  /// How many readings of ours interrupted this CPU between the two values of the given group: both
  /// of every group further in, and the end's own one, which arrives before it reads.
  [[nodiscard]] std::uint64_t own_reads_between(std::size_t group) const {
    return is_initiator ? 0 : 2 * (nr_read() - group) - 1;
  }
  /// Likewise between the two readings of /proc/interrupts.
  [[nodiscard]] std::uint64_t own_reads_around() const { return is_initiator ? 0 : 2 * nr_read(); }

  /// Less what our own readings added; empty when that is not known. Of a measured part, one that
  /// shows less than readings alone ever did shows nothing besides them.
  [[nodiscard]] std::optional<std::uint64_t> without_own_reads(const Event& event,
                                                               std::uint64_t value,
                                                               std::uint64_t nr_own_reads,
                                                               bool known) const {
    switch (event.own_reads) {
      case OwnReads::kNotCounted:
        return value;
      case OwnReads::kCountedOnce:
        if (nr_own_reads == 0) return value;
        if (!known || value < nr_own_reads) return std::nullopt;
        return value - nr_own_reads;
      case OwnReads::kMeasured:
        break;
    }
    const auto own = own_part.find(event.status.name);
    if (own == own_part.end()) return std::nullopt;
    return value - std::min(value, own->second);
  }
};

}  // namespace

struct CounterSet::Impl {
  Reach reach = Reach::kNone;
  const std::vector<Event>* events = nullptr;
  std::vector<CpuCounters> cpus;  // the initiator first
  std::map<const Event*, std::string> problems;
  std::deque<Event> targeted;                     // what goes to one responder
  std::map<const Event*, std::size_t> target_of;  // which: an index into cpus
  std::vector<const Event*> rows;
  InterruptsFile interrupts;
  std::vector<char> interrupts_begin;
  std::vector<char> interrupts_end;
  std::vector<Counts> counts;

  void open(const Event& event, const PerfContext& context);
  void open_on(CpuCounters& cpu, const Event& event, const PerfContext& context,
               std::string& problem);
  void read_begin();
  void read_end();
  void collect();
  void collect_rows(const CpuCounters& cpu, bool own_reads_known, Counts& result) const;
};

/// On every CPU that it is counted on; remembers why not, from the first that refuses.
void CounterSet::Impl::open(const Event& event, const PerfContext& context) {
  std::string& problem = problems[&event];
  problem = event.status.unavailable.empty() ? refusal(event, context) : event.status.unavailable;
  if (!problem.empty()) return;
  if (event.kind == EventKind::kInterruptRow) {
    rows.push_back(&event);
    return;
  }
  for (CpuCounters& cpu : cpus) {
    if (cpu.counts(event)) open_on(cpu, event, context, problem);
  }
  if (event.status.scope != Scope::kTargets) return;
  for (std::size_t i = 1; i < cpus.size(); ++i) {
    const Event& one = targeted.emplace_back(toward(event, cpus[i].subject.cpu));
    target_of[&one] = i;
    open_on(cpus.front(), one, context, problem);
  }
}

void CounterSet::Impl::open_on(CpuCounters& cpu, const Event& event, const PerfContext& context,
                               std::string& problem) {
  const int error =
      cpu.add(event, cpu.is_initiator ? initiator_reach(context.reach) : context.reach);
  if (error != 0 && problem.empty()) problem = explain_open_error(event, context, error);
}

CounterSet::CounterSet(const Subject& initiator, const std::vector<Subject>& responders)
    : CounterSet(initiator, responders, catalogue()) {}

CounterSet::CounterSet(const Subject& initiator, const std::vector<Subject>& responders,
                       const std::vector<Event>& events)
    : impl_(std::make_unique<Impl>()) {
  const PerfContext context = probe_perf();
  impl_->reach = context.reach;
  impl_->events = &events;
  impl_->cpus.resize(1 + responders.size());
  impl_->counts.resize(impl_->cpus.size());
  make_room_for_files(impl_->cpus.size() * events.size());
  for (std::size_t i = 0; i < impl_->cpus.size(); ++i) {
    impl_->cpus[i].is_initiator = i == 0;
    impl_->cpus[i].subject = i == 0 ? initiator : responders[i - 1];
  }
  for (const Event& event : events) impl_->open(event, context);
  take_turn(0);
  // Both snapshots get their size now, so that begin() and end() need not allocate.
  impl_->interrupts.read(impl_->interrupts_begin);
  impl_->interrupts.read(impl_->interrupts_end);
}

CounterSet::~CounterSet() = default;

void CounterSet::learn_own_reads() {
  const bool any = std::any_of(impl_->cpus.begin(), impl_->cpus.end(),
                               [](const CpuCounters& cpu) { return !cpu.hardware.empty(); });
  if (!any) return;
  for (std::size_t turn = 0; turn < nr_turns(); ++turn) {
    take_turn(turn);
    for (int pair = 0; pair < kEmptyPairs; ++pair) {
      impl_->read_begin();
      impl_->read_end();
      for (CpuCounters& cpu : impl_->cpus) {
        if (cpu.hardware.empty()) continue;
        const Group& group = cpu.hardware[cpu.turn];
        const auto values = group.difference();
        for (std::size_t k = 0; values && k < values->size(); ++k) {
          const auto [own, is_new] =
              cpu.own_part.try_emplace(group.events()[k]->status.name, (*values)[k]);
          if (!is_new) own->second = std::min(own->second, (*values)[k]);
        }
      }
    }
  }
  take_turn(0);
  for (const CpuCounters& cpu : impl_->cpus) {
    for (const Group& group : cpu.hardware) {
      for (const Event* event : group.events()) {
        if (!cpu.own_part.contains(event->status.name)) impl_->problems[event] = kNeverOn;
      }
    }
  }
}

std::size_t CounterSet::nr_turns() const {
  std::size_t most = 1;
  for (const CpuCounters& cpu : impl_->cpus) most = std::max(most, cpu.hardware.size());
  return most;
}

void CounterSet::take_turn(std::size_t turn) {
  for (CpuCounters& cpu : impl_->cpus) cpu.take_turn(turn);
}

void CounterSet::begin() { impl_->read_begin(); }

void CounterSet::end() {
  impl_->read_end();
  impl_->collect();
}

const std::vector<Counts>& CounterSet::counts() const { return impl_->counts; }

std::vector<EventStatus> CounterSet::status() const {
  std::vector<EventStatus> result;
  for (const Event& event : *impl_->events) {
    EventStatus status = event.status;
    status.unavailable = impl_->problems.at(&event);
    const bool counted = status.unavailable.empty() && event.kind != EventKind::kInterruptRow;
    if (counted && impl_->reach == Reach::kThread) status.source += ", of one thread";
    if (counted && impl_->reach == Reach::kThreadUser) {
      status.source += ", of one thread in user mode";
    }
    result.push_back(std::move(status));
  }
  return result;
}

void CounterSet::Impl::read_begin() {
  if (!rows.empty()) interrupts.read(interrupts_begin);
  for (std::size_t i = cpus.size(); i-- > 0;) cpus[i].read_begin();
}

void CounterSet::Impl::read_end() {
  for (CpuCounters& cpu : cpus) cpu.read_end();
  if (!rows.empty()) interrupts.read(interrupts_end);
}

void CounterSet::Impl::collect() {
  for (Counts& result : counts) result.clear();
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    CpuCounters& cpu = cpus[i];
    std::vector<std::optional<std::vector<std::uint64_t>>> values;
    for (std::size_t g = 0; g < cpu.nr_read(); ++g) {
      values.push_back(cpu.read_group(g).difference());
    }
    // A group that was not on the CPU when read was not interrupted for it: then how many of our
    // own readings arrived is not known.
    const bool own_reads_known =
        std::all_of(values.begin(), values.end(), [](const auto& v) { return v.has_value(); });
    for (std::size_t g = 0; g < values.size(); ++g) {
      for (std::size_t k = 0; values[g] && k < values[g]->size(); ++k) {
        const Event& event = *cpu.read_group(g).events()[k];
        const auto value = cpu.without_own_reads(event, (*values[g])[k], cpu.own_reads_between(g),
                                                 own_reads_known);
        const auto target = target_of.find(&event);
        Counts& result = counts[target == target_of.end() ? i : target->second];
        if (value) result[event.status.name] = *value;
      }
    }
    collect_rows(cpu, own_reads_known, counts[i]);
  }
}

void CounterSet::Impl::collect_rows(const CpuCounters& cpu, bool own_reads_known,
                                    Counts& result) const {
  for (const Event* event : rows) {
    const auto before = interrupt_count(view(interrupts_begin), event->row, cpu.subject.cpu);
    const auto after = interrupt_count(view(interrupts_end), event->row, cpu.subject.cpu);
    if (!before || !after || *after < *before) continue;
    const auto value =
        cpu.without_own_reads(*event, *after - *before, cpu.own_reads_around(), own_reads_known);
    if (value) result[event->status.name] = *value;
  }
}

std::vector<EventStatus> probe_events(const std::vector<int>& cpus) {
  const std::vector<int> allowed = allowed_cpus();
  std::vector<int> usable;
  std::copy_if(cpus.begin(), cpus.end(), std::back_inserter(usable), [&](int cpu) {
    return std::find(allowed.begin(), allowed.end(), cpu) != allowed.end();
  });
  if (usable.empty()) usable.push_back(allowed.at(0));
  std::vector<EventStatus> events;
  std::exception_ptr error;
  // A thread of its own: pinning must not outlast the probe.
  std::thread([&] {
    try {
      pin_to_cpu(usable[0]);
      const auto tid = static_cast<pid_t>(::syscall(SYS_gettid));
      std::vector<Subject> responders;
      for (std::size_t i = 1; i < usable.size(); ++i) responders.push_back({tid, usable[i]});
      CounterSet counters({tid, usable[0]}, responders);
      counters.learn_own_reads();
      events = counters.status();
    } catch (...) {
      error = std::current_exception();
    }
  }).join();
  if (error) std::rethrow_exception(error);
  return events;
}

}  // namespace tlblab::counters
