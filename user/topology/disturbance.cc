// SPDX-License-Identifier: GPL-2.0-only
// Measuring what would disturb a run.
#include "user/topology/disturbance.hh"

#include <fmt/format.h>
#include <linux/capability.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "user/topology/cpu_topology.hh"
#include "user/topology/kernel_files.hh"

namespace tlblab {
namespace {

constexpr double kLeastProcessShare = 0.02;  // below it /proc's ticks are mostly rounding

std::optional<int> read_number(const std::string& path) {
  const FileText file = read_kernel_file(path);
  int value = 0;
  const auto parsed = std::from_chars(file.text.data(), file.text.data() + file.text.size(), value);
  if (!file.ok() || parsed.ec != std::errc{}) return std::nullopt;
  return value;
}

/// CAP_PERFMON (5.8) or CAP_SYS_ADMIN among the effective capabilities.
bool may_see_the_kernel() {
  const std::string mask = value_of_key(read_kernel_file("/proc/self/status").text, "CapEff");
  const std::uint64_t effective = std::strtoull(mask.c_str(), nullptr, 16);
  return (effective >> CAP_PERFMON & 1) != 0 || (effective >> CAP_SYS_ADMIN & 1) != 0;
}

std::optional<std::uint64_t> memory_available_bytes() {
  const std::string text =
      value_of_key(read_kernel_file("/proc/meminfo").text, "MemAvailable");  // "123 kB"
  if (text.empty()) return std::nullopt;
  return std::strtoull(text.c_str(), nullptr, 10) * 1024;
}

/// /proc/stat twice, around the spinning.
struct Usage {
  std::map<int, CpuTicks> before;
  std::map<int, CpuTicks> after;

  /// Ticks of that CPU in between; nothing if it is not listed or nothing passed.
  [[nodiscard]] std::optional<CpuTicks> between(int cpu) const {
    const auto a = before.find(cpu);
    const auto b = after.find(cpu);
    if (a == before.end() || b == after.end()) return std::nullopt;
    const CpuTicks ticks{.busy = b->second.busy - a->second.busy,
                         .idle = b->second.idle - a->second.idle,
                         .steal = b->second.steal - a->second.steal};
    if (ticks.total() == 0) return std::nullopt;
    return ticks;
  }
};

CpuDisturbance disturbance_of(const SpinResult& spin, const Usage& usage, double ticks_per_second) {
  CpuDisturbance cpu;
  cpu.spin = spin;
  const FileText governor = read_kernel_file(
      fmt::format("/sys/devices/system/cpu/cpu{}/cpufreq/scaling_governor", spin.cpu));
  cpu.governor = governor.text;
  if (const auto ticks = usage.between(spin.cpu)) {
    const auto total = static_cast<double>(ticks->total());
    const double own_ticks = static_cast<double>(spin.own_cpu_ns) / 1e9 * ticks_per_second;
    cpu.steal_share = static_cast<double>(ticks->steal) / total;
    cpu.others_share = std::max(0.0, (static_cast<double>(ticks->busy) - own_ticks) / total);
  }
  return cpu;
}

std::vector<Sibling> find_siblings(const std::vector<int>& cpus, const Usage& usage) {
  const CpuTopology topology = CpuTopology::of_this_machine();
  std::vector<Sibling> siblings;
  for (const int cpu : cpus) {
    for (const int other : topology.core_siblings(cpu)) {
      const bool ours = std::find(cpus.begin(), cpus.end(), other) != cpus.end();
      if (other == cpu || (ours && other < cpu)) continue;  // a pair of ours is named once
      const auto ticks = usage.between(other);
      const double busy =
          ticks ? static_cast<double>(ticks->busy) / static_cast<double>(ticks->total()) : 0.0;
      siblings.push_back({.cpu = cpu, .sibling = other, .ours = ours, .busy_share = busy});
    }
  }
  return siblings;
}

}  // namespace

double CpuDisturbance::lost_share() const {
  if (!spin.ran || spin.seconds <= 0) return 1.0;
  return static_cast<double>(spin.lost_ns) / 1e9 / spin.seconds;
}

Disturbance measure_disturbance(const std::vector<int>& cpus, double seconds) {
  Disturbance result;
  result.seconds = seconds;
  result.clock_read_ns = clock_read_ns();
  const auto processes_before = read_processes();
  const CpuQuota quota_before = read_cpu_quota();
  Usage usage;
  usage.before = parse_cpu_ticks(read_kernel_file("/proc/stat").text);
  const std::vector<SpinResult> spins = spin_on(cpus, seconds);
  usage.after = parse_cpu_ticks(read_kernel_file("/proc/stat").text);
  result.quota = read_cpu_quota();
  if (result.quota.where == quota_before.where) {
    result.new_throttled = result.quota.nr_throttled - quota_before.nr_throttled;
  }

  const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  result.processes = busy_processes(processes_before, read_processes(), seconds * ticks_per_second,
                                    kLeastProcessShare);
  for (const SpinResult& spin : spins) {
    result.cpus.push_back(disturbance_of(spin, usage, ticks_per_second));
  }
  result.siblings = find_siblings(cpus, usage);

  const Virtualization virtualization = detect_virtualization();
  result.kind = virtualization.kind;
  result.hypervisor = virtualization.hypervisor;
  result.clock_source =
      read_kernel_file("/sys/devices/system/clocksource/clocksource0/current_clocksource").text;
  result.huge_pages =
      bracketed_choice(read_kernel_file("/sys/kernel/mm/transparent_hugepage/enabled").text);
  result.numa_balancing = read_number("/proc/sys/kernel/numa_balancing").value_or(0) != 0;
  result.nr_nodes = CpuTopology::of_this_machine().nr_nodes();
  result.memory_available_bytes = memory_available_bytes();
  result.perf_event_paranoid = read_number("/proc/sys/kernel/perf_event_paranoid");
  result.privileged = may_see_the_kernel();
  result.module_rules = read_module_rules();
  return result;
}

}  // namespace tlblab
