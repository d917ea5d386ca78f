// SPDX-License-Identifier: GPL-2.0-only
// Parsing /proc/stat and /proc/PID/stat.
#include "user/topology/cpu_usage.hh"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <sstream>
#include <system_error>

#include "user/topology/kernel_files.hh"

namespace tlblab {

std::map<int, CpuTicks> parse_cpu_ticks(std::string_view proc_stat) {
  std::map<int, CpuTicks> result;
  std::istringstream lines{std::string(proc_stat)};
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("cpu", 0) != 0) break;             // the CPUs come first
    if (line.size() < 4 || line[3] == ' ') continue;  // the sum of all
    std::istringstream words(line.substr(3));
    int cpu = 0;
    // proc(5): user nice system idle iowait irq softirq steal; guest time is within user.
    std::array<std::uint64_t, 8> ticks{};
    words >> cpu;
    for (std::uint64_t& value : ticks) words >> value;
    if (!words) continue;
    result[cpu] = {.busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6],
                   .idle = ticks[3] + ticks[4],
                   .steal = ticks[7]};
  }
  return result;
}

bool parse_process_stat(std::string_view line, ProcessTicks& process) {
  // "pid (name) state ...": the name may hold anything, so it ends at the last parenthesis.
  const auto open = line.find('(');
  const auto close = line.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return false;
  process.name = line.substr(open + 1, close - open - 1);
  for (char& c : process.name) {  // any process may put anything there, and we print it
    if (c < ' ' || c > '~') c = '?';
  }
  std::istringstream words{std::string(line.substr(close + 1))};
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  std::string word;
  for (int field = 3; field <= 39 && words >> word; ++field) {  // proc(5) counts from 1
    const char* const end = word.data() + word.size();
    if (field == 14) std::from_chars(word.data(), end, user);
    if (field == 15) std::from_chars(word.data(), end, system);
    if (field == 39) std::from_chars(word.data(), end, process.last_cpu);
  }
  process.ticks = user + system;
  return static_cast<bool>(words);
}

std::map<pid_t, ProcessTicks> read_processes() {
  std::map<pid_t, ProcessTicks> processes;
  const pid_t self = ::getpid();
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ptr != name.data() + name.size() || pid == self) continue;
    ProcessTicks process;
    const FileText stat = read_kernel_file(fmt::format("/proc/{}/stat", pid));
    if (stat.ok() && parse_process_stat(stat.text, process)) processes[pid] = process;
  }
  return processes;
}

std::vector<BusyProcess> busy_processes(const std::map<pid_t, ProcessTicks>& before,
                                        const std::map<pid_t, ProcessTicks>& after,
                                        double elapsed_ticks, double least_share) {
  std::vector<BusyProcess> busy;
  for (const auto& [pid, process] : after) {
    const auto earlier = before.find(pid);
    // One that began in between, or took over the number of one that ended, starts from 0.
    const std::uint64_t ticks_before =
        earlier == before.end() || earlier->second.ticks > process.ticks ? 0
                                                                         : earlier->second.ticks;
    const double share = static_cast<double>(process.ticks - ticks_before) / elapsed_ticks;
    if (share < least_share) continue;
    busy.push_back(
        {.name = process.name, .pid = pid, .last_cpu = process.last_cpu, .share = share});
  }
  std::sort(busy.begin(), busy.end(),
            [](const BusyProcess& a, const BusyProcess& b) { return a.share > b.share; });
  return busy;
}

}  // namespace tlblab
