// SPDX-License-Identifier: GPL-2.0-only
// Which CPU is the initiator and which are responders.
#pragma once

#include <string_view>
#include <vector>

namespace tlblab {

/// CPUs this process may use (sched_getaffinity), ascending.
std::vector<int> allowed_cpus();

/// "0-3,8" -> {0,1,2,3,8}, in the order written. Throws Error(kUsage) on nonsense, on repetition,
/// and on a CPU that is offline or not allowed, saying which are.
std::vector<int> parse_cpu_list(std::string_view text);

/// An order of the allowed CPUs: the initiator first, then responders nearest first by hwloc, one
/// hardware thread of every core before any second thread; within that the same cache, package,
/// then node. Without hwloc's topology (containers) falls back to ascending order.
std::vector<int> placement_order();

/// Pins the calling thread and makes its memory come from that CPU's node (libnuma). Throws
/// Error(kMachine) when the CPU can't be had.
void pin_to_cpu(int cpu);

}  // namespace tlblab
