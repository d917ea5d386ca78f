// SPDX-License-Identifier: GPL-2.0-only
// Spinning on CPUs and watching how often one is taken away.
#pragma once

#include <cstdint>
#include <vector>

namespace tlblab {

/// What one spinning thread measured.
struct SpinResult {
  int cpu = 0;
  bool ran = false;           ///< false: it never got its CPU while it should have spun
  double seconds = 0;         ///< from the common start to its last clock reading
  std::uint64_t lost_ns = 0;  ///< sum of the gaps in its loop
  std::uint64_t longest_gap_ns = 0;
  std::uint64_t nr_gaps = 0;
  std::uint64_t switches_wanted = 0;    ///< it slept or yielded; should be 0
  std::uint64_t switches_unwanted = 0;  ///< the scheduler gave its CPU to another thread
  std::uint64_t own_cpu_ns = 0;         ///< CPU time of this thread in its whole life
};

/// Has one pinned thread per CPU read the clock in a loop for `seconds`. A gap is a turn of the
/// loop longer than 1 us (or 8 median turns where the clock is slow): longer than any cache miss,
/// shorter than any interrupt's whole cost. Throws Error(kMachine) when a CPU can't be had. The
/// calling thread sleeps and keeps its own affinity. Ends early when interrupted().
std::vector<SpinResult> spin_on(const std::vector<int>& cpus, double seconds);

/// Median cost of one now_ns() on the calling thread, ns.
double clock_read_ns();

}  // namespace tlblab
