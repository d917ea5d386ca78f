// SPDX-License-Identifier: GPL-2.0-only
// Which CPU is the initiator and which are responders.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "user/model/distance.hh"
#include "user/topology/cpu_topology.hh"

namespace tlblab {

/// CPUs this process may use (sched_getaffinity), ascending.
std::vector<int> allowed_cpus();

/// "0-3,8" -> {0,1,2,3,8}, in the order written. Throws Error(kUsage) on nonsense, on repetition,
/// and on a CPU that is offline or forbidden, saying which are. CPUs outside the affinity that the
/// process was started with may be named, as isolated ones are: the kernel is asked.
std::vector<int> parse_cpu_list(std::string_view text);

/// An order of the allowed CPUs: the initiator first, on a core of the most capable kind and not
/// where the machine's devices interrupt, then responders as wished; see CpuTopology::order().
/// Without hwloc's topology (containers) falls back to ascending order.
std::vector<int> placement_order(const Placement& wish = {});

/// How far each of the CPUs after the first is from the first.
std::vector<CpuDistance> distances(const CpuTopology& topology, const std::vector<int>& cpus);

/// Interrupts of devices, by CPU, from the text of /proc/interrupts: rows with a number.
std::map<int, std::uint64_t> device_interrupts(std::string_view text);
/// The first of `cpus` (not empty), or the second if the first has plainly more of the interrupts
/// than any other. Counts that are close decide nothing: the choice would change between runs.
int choose_initiator(const std::vector<int>& cpus, const std::map<int, std::uint64_t>& interrupts);

/// Pins the calling thread and makes its memory come from that CPU's node (libnuma). Throws
/// Error(kMachine) when the CPU can't be had.
void pin_to_cpu(int cpu);

}  // namespace tlblab
