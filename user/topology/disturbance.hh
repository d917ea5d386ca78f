// SPDX-License-Identifier: GPL-2.0-only
// What would disturb a run on this machine now: measured, then judged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "user/model/machine_finding.hh"
#include "user/topology/cgroup_quota.hh"
#include "user/topology/cpu_usage.hh"
#include "user/topology/machine.hh"
#include "user/topology/module_rules.hh"
#include "user/topology/spin_probe.hh"

namespace tlblab {

/// One CPU of the run while a thread of ours spun on it. Shares are of the measured time.
struct CpuDisturbance {
  SpinResult spin;
  std::optional<double> steal_share;   ///< taken by the hypervisor; empty: /proc/stat unreadable
  std::optional<double> others_share;  ///< busy, less our own thread: processes and interrupts
  std::string governor;                ///< empty: no cpufreq

  [[nodiscard]] double lost_share() const;  ///< 1 when our thread never ran
};

/// Another hardware thread of a core that we use.
struct Sibling {
  int cpu = 0;        ///< ours
  int sibling = 0;    ///< the other thread
  bool ours = false;  ///< it is one of the run's CPUs as well
  double busy_share = 0;
};

/// Everything that judge() looks at. Plain data, so that a test can plant any fault.
struct Disturbance {
  double seconds = 0;                ///< how long it was measured
  bool alone = false;                ///< by choice: nobody is meant to respond
  std::vector<CpuDisturbance> cpus;  ///< the initiator's first
  std::vector<Sibling> siblings;
  std::vector<BusyProcess> processes;  ///< busiest first, not ours
  MachineKind kind = MachineKind::kBareMetal;
  std::string hypervisor;
  std::string clock_source;
  double clock_read_ns = 0;
  CpuQuota quota;
  std::uint64_t new_throttled = 0;  ///< periods in which we were stopped while measuring
  std::string huge_pages;           ///< "always", "madvise", "never"; empty: not in this kernel
  bool numa_balancing = false;
  unsigned nr_nodes = 1;
  std::optional<std::uint64_t> memory_available_bytes;
  std::optional<int> perf_event_paranoid;
  bool privileged = false;  ///< root, or CAP_PERFMON
  ModuleRules module_rules;
};

/// Spins on `cpus` (the initiator first, as in a run) for `seconds` and collects the rest. Throws
/// Error(kMachine) when a CPU can't be had.
Disturbance measure_disturbance(const std::vector<int>& cpus, double seconds);

/// Pure. One finding per check, always all of them, in the order they matter.
std::vector<MachineFinding> judge(const Disturbance& disturbance);

/// The worst severity among them.
Severity worst(const std::vector<MachineFinding>& findings);

}  // namespace tlblab
