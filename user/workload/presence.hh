// SPDX-License-Identifier: GPL-2.0-only
// What the kernel says of a thread, by which it is shown to have been there all the time.
#pragma once

#include <cstdint>

#include "user/model/trial.hh"
#include "user/support/time_span.hh"

namespace tlblab {

/// How much of a window a thread may be away and its trial still count. A responder that is away is
/// not interrupted, so the window may come out shorter by about that share; of an initiator that is
/// away, longer. 2 % is less than the width that a cell is measured to (3 %).
inline constexpr double kMaxAwayShare = 0.02;

/// Whether that is too much of the window.
bool is_away_too_long(std::uint64_t away_ns, const TimeSpan& window);

/// Counts of the calling thread since it began, and where it is.
struct Presence {
  std::uint64_t preempted = 0;  ///< context switches that the scheduler wanted
  std::uint64_t waited = 0;     ///< context switches by which it gave up the CPU itself
  std::uint64_t faults = 0;     ///< page faults, with and without reading from disk
  std::uint64_t on_cpu_ns = 0;  ///< what it was given of the CPU
  std::uint64_t at_ns = 0;      ///< CLOCK_MONOTONIC
  int cpu = 0;
};

/// Two system calls, three with an old C library: never inside the window.
Presence presence_now();

/// Pure. What sets a trial of the initiator apart, or kOk: `before` was taken before `window` and
/// `after` after it. It may have been preempted if that can't have taken kMaxAwayShare: the time
/// between the two that it was not on the CPU bounds it. Waiting sets nothing apart: an operation
/// that sleeps on a lock takes that long. A throttled control group preempts its threads, so it is
/// seen. What a hypervisor takes without the kernel's knowledge is not.
TrialState initiator_state(const Presence& before, const Presence& after, const TimeSpan& window);

}  // namespace tlblab
