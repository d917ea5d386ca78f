// SPDX-License-Identifier: GPL-2.0-only
// Kernel settings that change what a run measures.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "user/topology/machine.hh"

namespace tlblab {

/// THP, NUMA balancing, frequency, SMT, limits, isolation. What cannot be read says why. Paths have
/// `root` in front of them ("" is the machine itself); the governor is read for each of `cpus`.
std::vector<Fact> read_settings(const std::vector<int>& cpus, const std::string& root = "");

/// /sys/devices/system/cpu/vulnerabilities, one fact per file, in alphabetical order.
std::vector<Fact> read_mitigations(const std::string& root = "");

/// The value of the last "name=value" on a kernel command line; empty optional without one.
std::optional<std::string> command_line_value(std::string_view command_line, std::string_view name);

}  // namespace tlblab
