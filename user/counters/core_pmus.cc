// SPDX-License-Identifier: GPL-2.0-only
// Reads /sys/bus/event_source.
#include "user/counters/core_pmus.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "user/topology/kernel_files.hh"

namespace tlblab::counters {
namespace {

namespace fs = std::filesystem;

/// x86 has "cpu", or "cpu_core" and "cpu_atom"; arm64 "armv8_...", "apple_...".
bool is_of_cores(std::string_view name) {
  constexpr std::array<std::string_view, 4> prefixes = {"cpu_", "armv8", "armv9", "apple"};
  return name == "cpu" ||
         std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace

std::vector<CorePmu> read_core_pmus(const std::string& folder) {
  std::vector<CorePmu> pmus;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    CorePmu pmu;
    pmu.name = entry.path().filename().string();
    if (!is_of_cores(pmu.name)) continue;
    const std::string here = entry.path().string();
    const FileText type = read_kernel_file(here + "/type");
    const char* const end = type.text.data() + type.text.size();
    if (!type.ok() || std::from_chars(type.text.data(), end, pmu.type).ptr != end) continue;
    pmu.cpus = parse_kernel_cpu_list(read_kernel_file(here + "/cpus").text);
    std::error_code no_events;
    for (const auto& event : fs::directory_iterator(here + "/events", no_events)) {
      const FileText text = read_kernel_file(event.path().string());
      if (text.ok()) pmu.events[event.path().filename().string()] = text.text;
    }
    pmus.push_back(std::move(pmu));
  }
  std::sort(pmus.begin(), pmus.end(),
            [](const CorePmu& x, const CorePmu& y) { return x.name < y.name; });
  return pmus;
}

}  // namespace tlblab::counters
