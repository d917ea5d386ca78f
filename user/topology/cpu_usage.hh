// SPDX-License-Identifier: GPL-2.0-only
// Who used the CPUs: /proc/stat per CPU and /proc/PID/stat per process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tlblab {

/// One CPU's line of /proc/stat since boot, in clock ticks.
struct CpuTicks {
  std::uint64_t busy = 0;   ///< user, nice, system, irq, softirq
  std::uint64_t idle = 0;   ///< idle and iowait
  std::uint64_t steal = 0;  ///< given to others by the hypervisor

  [[nodiscard]] std::uint64_t total() const { return busy + idle + steal; }
};

/// Pure: by CPU number, from the text of /proc/stat.
std::map<int, CpuTicks> parse_cpu_ticks(std::string_view proc_stat);

/// One process, from /proc/PID/stat.
struct ProcessTicks {
  std::string name;
  std::uint64_t ticks = 0;  ///< user and system time since it began
  int last_cpu = -1;
};

/// Pure. False when the line is not one of /proc/PID/stat.
bool parse_process_stat(std::string_view line, ProcessTicks& process);

/// Every process that this one may see, without itself.
std::map<pid_t, ProcessTicks> read_processes();

/// A process that used CPU time between two calls of read_processes().
struct BusyProcess {
  std::string name;
  pid_t pid = 0;
  int last_cpu = -1;
  double share = 0;  ///< of one CPU
};

/// Pure. Those that used at least `least_share` of one CPU, busiest first.
std::vector<BusyProcess> busy_processes(const std::map<pid_t, ProcessTicks>& before,
                                        const std::map<pid_t, ProcessTicks>& after,
                                        double elapsed_ticks, double least_share);

}  // namespace tlblab
