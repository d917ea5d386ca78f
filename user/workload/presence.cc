// SPDX-License-Identifier: GPL-2.0-only
// The kernel's books on this thread, and what a change in them means.
#include "user/workload/presence.hh"

#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>

#include "user/support/clock.hh"

namespace tlblab {

bool is_away_too_long(std::uint64_t away_ns, const TimeSpan& window) {
  return static_cast<double>(away_ns) > kMaxAwayShare * static_cast<double>(window.length_ns());
}

Presence presence_now() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  timespec on_cpu{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &on_cpu);
  return {static_cast<std::uint64_t>(usage.ru_nivcsw),
          static_cast<std::uint64_t>(usage.ru_nvcsw),
          static_cast<std::uint64_t>(usage.ru_minflt + usage.ru_majflt),
          nanoseconds(on_cpu),
          now_ns(),
          sched_getcpu()};
}

TrialState initiator_state(const Presence& before, const Presence& after, const TimeSpan& window) {
  if (after.cpu != before.cpu) return TrialState::kInitiatorMigrated;
  if (after.preempted != before.preempted) {
    const std::uint64_t elapsed_ns = after.at_ns - before.at_ns;
    const std::uint64_t on_cpu_ns = after.on_cpu_ns - before.on_cpu_ns;
    const std::uint64_t away_ns = elapsed_ns - std::min(elapsed_ns, on_cpu_ns);
    if (is_away_too_long(away_ns, window)) return TrialState::kInitiatorSwitched;
  }
  if (after.faults != before.faults) return TrialState::kInitiatorFaulted;
  return TrialState::kOk;
}

}  // namespace tlblab
