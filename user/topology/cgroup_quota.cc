// SPDX-License-Identifier: GPL-2.0-only
// Reading cpu.max (version 2) and cpu.cfs_quota_us (version 1).
#include "user/topology/cgroup_quota.hh"

#include <fmt/format.h>

#include <cstdlib>
#include <sstream>
#include <vector>

#include "user/topology/kernel_files.hh"

namespace tlblab {
namespace {

/// Where a hierarchy is mounted and where in it this process is.
struct Hierarchy {
  bool version_2 = false;
  std::string mount_point;
  std::string path;
};

/// The path after "0::" (version 2) or after "N:...,cpu,...:" (version 1) of /proc/self/cgroup.
std::string path_in(const std::string& proc_cgroup, bool version_2) {
  std::istringstream lines(proc_cgroup);
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool found =
        version_2 ? controllers == ",," : controllers.find(",cpu,") != std::string::npos;
    if (found) return line.substr(second + 1);
  }
  return "/";
}

std::vector<Hierarchy> hierarchies(const std::string& root) {
  const std::string proc_cgroup = read_kernel_file(root + "/proc/self/cgroup").text;
  std::istringstream lines(read_kernel_file(root + "/proc/self/mountinfo").text);
  std::vector<Hierarchy> result;
  for (std::string line; std::getline(lines, line);) {
    const auto dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream words(line.substr(0, dash) + line.substr(dash + 2));
    std::vector<std::string> fields;
    for (std::string word; words >> word;) fields.push_back(word);
    // proc(5): the mount point is the fifth; after the dash type, source, super block options.
    if (fields.size() < 8) continue;
    const std::string& type = fields[fields.size() - 3];
    const std::string options = "," + fields.back() + ",";
    const bool version_2 = type == "cgroup2";
    if (!version_2 && (type != "cgroup" || options.find(",cpu,") == std::string::npos)) continue;
    result.push_back({version_2, fields[4], path_in(proc_cgroup, version_2)});
  }
  return result;
}

/// The limit that one group sets, in CPUs.
std::optional<double> limit_of(const std::string& directory, bool version_2) {
  std::string quota_text;
  std::string period_text;
  if (version_2) {
    std::istringstream words(read_kernel_file(directory + "/cpu.max").text);  // "max 100000"
    words >> quota_text >> period_text;
  } else {
    quota_text = read_kernel_file(directory + "/cpu.cfs_quota_us").text;  // -1: none
    period_text = read_kernel_file(directory + "/cpu.cfs_period_us").text;
  }
  const double quota = std::strtod(quota_text.c_str(), nullptr);  // "max" gives 0
  const double period = std::strtod(period_text.c_str(), nullptr);
  if (quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

std::uint64_t throttled_periods(const std::string& directory) {
  std::istringstream words(read_kernel_file(directory + "/cpu.stat").text);
  std::string name;
  for (std::uint64_t value = 0; words >> name >> value;) {
    if (name == "nr_throttled") return value;
  }
  return 0;
}

}  // namespace

CpuQuota read_cpu_quota(const std::string& root) {
  CpuQuota tightest;
  for (const Hierarchy& hierarchy : hierarchies(root)) {
    // Upwards to the mount point. In a container the path may be one that exists only outside; the
    // mount point itself is then the container's group.
    for (std::string path = hierarchy.path;;) {
      if (path == "/") path.clear();
      const std::string directory = fmt::format("{}{}{}", root, hierarchy.mount_point, path);
      const auto limit = limit_of(directory, hierarchy.version_2);
      if (limit && (!tightest.cpus || *limit < *tightest.cpus)) {
        tightest.cpus = limit;
        tightest.where = fmt::format("{}{}/{}", hierarchy.mount_point, path,
                                     hierarchy.version_2 ? "cpu.max" : "cpu.cfs_quota_us");
        tightest.nr_throttled = throttled_periods(directory);
      }
      const auto slash = path.rfind('/');
      if (slash == std::string::npos) break;
      path.resize(slash);
    }
  }
  return tightest;
}

}  // namespace tlblab
