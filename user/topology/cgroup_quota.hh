// SPDX-License-Identifier: GPL-2.0-only
// How much CPU time the control groups leave this process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tlblab {

struct CpuQuota {
  std::optional<double> cpus;      ///< the tightest limit, in CPUs' worth of time; empty: none
  std::string where;               ///< the file that sets it
  std::uint64_t nr_throttled = 0;  ///< periods in which the group of that file was stopped, so far
};

/// Looks at this process's group and every one above it, in versions 1 and 2. Paths have `root` in
/// front of them. What can't be read counts as no limit.
CpuQuota read_cpu_quota(const std::string& root = "");

}  // namespace tlblab
