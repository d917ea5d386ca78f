// SPDX-License-Identifier: GPL-2.0-only
// Which events can be counted here, and counting them around one operation.
//
// The order of the readings matters, because reading a counter of another CPU sends it a
// function-call interrupt, which other counters then see:
//   begin():  /proc/interrupts, responders, initiator
//   end():                      initiator, responders, /proc/interrupts
// so the initiator's counters see none of our own interrupts, a responder's own counters and the
// rows of /proc/interrupts see a known number of them, which is subtracted.
#include "user/counters/counters.hh"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>

#include "user/counters/events.hh"
#include "user/counters/interrupts.hh"
#include "user/counters/perf.hh"
#include "user/support/error.hh"

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

/// Subtracts what our own readings added. Empty when that number is not known.
std::optional<std::uint64_t> without_own_reads(const Event& event, std::uint64_t value,
                                               std::uint64_t nr_own_reads, bool known) {
  if (event.own_reads == OwnReads::kNotCounted || nr_own_reads == 0) return value;
  if (!known || value < nr_own_reads) return std::nullopt;
  return value - nr_own_reads;
}

}  // namespace

std::vector<EventStatus> probe_events() {
  const PerfContext context = probe_perf();
  const Subject here{.tid = static_cast<pid_t>(::syscall(SYS_gettid)), .cpu = ::sched_getcpu()};
  std::vector<EventStatus> result;
  std::vector<int> fds;  // closed together: each tracepoint's last close waits for the whole kernel
  for (const Event& event : catalogue()) {
    EventStatus status = event.status;
    if (status.unavailable.empty()) status.unavailable = refusal(event, context);
    if (status.unavailable.empty() && event.kind != EventKind::kInterruptRow) {
      const int fd = open_counter(event, context.reach, here, -1);
      if (fd < 0) {
        status.unavailable = explain_open_error(event, context, -fd);
      } else {
        fds.push_back(fd);
        if (context.reach == Reach::kThread) status.source += ", of one thread";
        if (context.reach == Reach::kThreadUser) status.source += ", of one thread in user mode";
      }
    }
    result.push_back(std::move(status));
  }
  for (const int fd : fds) ::close(fd);
  return result;
}

/// The counters of one CPU (or thread).
struct CpuCounters {
  Subject subject;
  bool is_initiator = false;
  std::vector<Group> groups;  // outermost first: tracepoints, software, hardware

  [[nodiscard]] bool counts(const Event& event) const {
    return event.status.scope == Scope::kBoth ||
           (event.status.scope == Scope::kInitiator) == is_initiator;
  }

  /// A group holds events of one kind only. Mixed groups fail silently: on a CPU as a whole, some
  /// kernels (seen on 6.18) never start a software event that joins a tracepoint's group, or the
  /// other way round, and the group's own times don't show it.
  void add(const Event& event, Reach reach) {
    int error = EINVAL;
    if (!groups.empty() && groups.back().events().front()->kind == event.kind) {
      error = groups.back().add(event, reach, subject);
    }
    if (error == EINVAL) {  // the first of its kind, or the hardware has no room beside the others
      Group group;
      error = group.add(event, reach, subject);
      if (error == 0) groups.push_back(std::move(group));
    }
    // Any other refusal leaves the event out: unknown on this CPU.
    if (error != EMFILE) return;
    throw Error(ExitStatus::kMachine,
                fmt::format("too many open files for the counters of CPU {}", subject.cpu),
                "Raise the limit with `ulimit -n`, or use fewer responders.");
  }

  void read_begin() {
    for (Group& group : groups) group.read_begin();
  }
  void read_end() {
    for (std::size_t i = groups.size(); i-- > 0;) groups[i].read_end();
  }

  /// How many readings of ours interrupted this CPU between the two values of the given group: both
  /// of every group further in, and the end's own one, which arrives before it reads.
  [[nodiscard]] std::uint64_t own_reads_between(std::size_t group) const {
    return is_initiator ? 0 : 2 * (groups.size() - group) - 1;
  }
  /// Likewise between the two readings of /proc/interrupts.
  [[nodiscard]] std::uint64_t own_reads_around() const {
    return is_initiator ? 0 : 2 * groups.size();
  }
};

struct CounterSet::Impl {
  std::vector<CpuCounters> cpus;  // the initiator first
  std::vector<const Event*> rows;
  InterruptsFile interrupts;
  std::vector<char> interrupts_begin;
  std::vector<char> interrupts_end;
  std::vector<Counts> counts;

  void collect();
  void collect_rows(const CpuCounters& cpu, bool own_reads_known, Counts& result) const;
};

CounterSet::CounterSet(const Subject& initiator, const std::vector<Subject>& responders)
    : impl_(std::make_unique<Impl>()) {
  const PerfContext context = probe_perf();
  impl_->cpus.resize(1 + responders.size());
  impl_->counts.resize(impl_->cpus.size());
  make_room_for_files(impl_->cpus.size() * catalogue().size());
  for (std::size_t i = 0; i < impl_->cpus.size(); ++i) {
    CpuCounters& cpu = impl_->cpus[i];
    cpu.is_initiator = i == 0;
    cpu.subject = i == 0 ? initiator : responders[i - 1];
    for (const Event& event : catalogue()) {
      const bool countable = event.status.unavailable.empty() && refusal(event, context).empty();
      if (countable && event.kind != EventKind::kInterruptRow && cpu.counts(event)) {
        cpu.add(event, cpu.is_initiator ? initiator_reach(context.reach) : context.reach);
      }
    }
  }
  for (const Event& event : catalogue()) {
    if (event.kind == EventKind::kInterruptRow && event.status.unavailable.empty()) {
      impl_->rows.push_back(&event);
    }
  }
  // Both snapshots get their size now, so that begin() and end() need not allocate.
  impl_->interrupts.read(impl_->interrupts_begin);
  impl_->interrupts.read(impl_->interrupts_end);
}

CounterSet::~CounterSet() = default;

void CounterSet::begin() {
  if (!impl_->rows.empty()) impl_->interrupts.read(impl_->interrupts_begin);
  for (std::size_t i = impl_->cpus.size(); i-- > 0;) impl_->cpus[i].read_begin();
}

void CounterSet::end() {
  for (CpuCounters& cpu : impl_->cpus) cpu.read_end();
  if (!impl_->rows.empty()) impl_->interrupts.read(impl_->interrupts_end);
  impl_->collect();
}

const std::vector<Counts>& CounterSet::counts() const { return impl_->counts; }

void CounterSet::Impl::collect() {
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    const CpuCounters& cpu = cpus[i];
    Counts& result = counts[i];
    result.clear();
    std::vector<std::optional<std::vector<std::uint64_t>>> values;
    for (const Group& group : cpu.groups) values.push_back(group.difference());
    // A group that was not on the CPU when read was not interrupted for it: then how many of our
    // own readings arrived is not known.
    const bool own_reads_known =
        std::all_of(values.begin(), values.end(), [](const auto& v) { return v.has_value(); });
    for (std::size_t g = 0; g < values.size(); ++g) {
      for (std::size_t k = 0; values[g] && k < values[g]->size(); ++k) {
        const Event& event = *cpu.groups[g].events()[k];
        const auto value =
            without_own_reads(event, (*values[g])[k], cpu.own_reads_between(g), own_reads_known);
        if (value) result[event.status.name] = *value;
      }
    }
    collect_rows(cpu, own_reads_known, result);
  }
}

void CounterSet::Impl::collect_rows(const CpuCounters& cpu, bool own_reads_known,
                                    Counts& result) const {
  for (const Event* event : rows) {
    const auto before = interrupt_count(view(interrupts_begin), event->row, cpu.subject.cpu);
    const auto after = interrupt_count(view(interrupts_end), event->row, cpu.subject.cpu);
    if (!before || !after || *after < *before) continue;
    const auto value =
        without_own_reads(*event, *after - *before, cpu.own_reads_around(), own_reads_known);
    if (value) result[event->status.name] = *value;
  }
}

}  // namespace tlblab::counters
