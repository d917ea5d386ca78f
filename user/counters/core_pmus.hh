// SPDX-License-Identifier: GPL-2.0-only
// The kernel's PMUs of the cores: one, or one for each type of core.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tlblab::counters {

struct CorePmu {
  std::string name;        ///< "cpu", "cpu_core", "armv8_cortex_a76"
  std::uint32_t type = 0;  ///< for perf_event_open
  std::vector<int> cpus;   ///< of that type of core; empty: every CPU
  /// Events that the kernel names itself: "dtlb_walk" -> "event=0x34". On arm64 those of the
  /// architecture that these cores say they have.
  std::map<std::string, std::string> events;
};

/// Where the kernel lists its PMUs.
inline constexpr const char* kEventSources = "/sys/bus/event_source/devices";

/// Sorted by name. Never throws: what can't be read is left out.
std::vector<CorePmu> read_core_pmus(const std::string& folder = kEventSources);

}  // namespace tlblab::counters
