// SPDX-License-Identifier: GPL-2.0-only
// Which CPUs share a core, a cache, a package, a node: hwloc's knowledge, without hwloc's types.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "user/topology/machine.hh"

namespace tlblab {

/// Which CPUs respond first.
enum class Place {
  kNear,    ///< those that share most with the initiator, of its kind before others
  kSpread,  ///< each as far as can be from all before it
  kFar,     ///< those that share least with the initiator
};

struct Placement {
  Place place = Place::kNear;
  bool smt = false;  ///< further threads of a core, too, after each core's first
};

class CpuTopology {
 public:
  /// This machine as /sys shows it. Never fails: the answers below lack what hwloc cannot see.
  static CpuTopology of_this_machine();
  /// hwloc's synthetic notation, e.g. "pack:2 l3:2 core:2 pu:2" (tests), with kinds of cores, the
  /// least capable first, and without some CPUs. Throws std::invalid_argument on nonsense.
  static CpuTopology synthetic(const std::string& description,
                               const std::vector<std::vector<int>>& kinds = {},
                               const std::vector<int>& absent = {});

  CpuTopology(CpuTopology&&) noexcept;
  CpuTopology& operator=(CpuTopology&&) noexcept;
  ~CpuTopology();

  /// `cpus` (not empty), the first staying first, in the wished order. `distance` orders CPUs that
  /// share nothing but the machine: smaller is nearer.
  [[nodiscard]] std::vector<int> order(const std::vector<int>& cpus, const Placement& wish,
                                       const std::function<int(int, int)>& distance) const;

  /// Of `cpus`, those of the most capable kind of core, in their order; all where kinds are
  /// unknown.
  [[nodiscard]] std::vector<int> most_capable(const std::vector<int>& cpus) const;
  /// A number for its kind of core, larger for more capable ones; -1: unknown, or one kind only.
  [[nodiscard]] int kind(int cpu) const;
  /// How far two CPUs are from each other: what the nearest thing is that they share ("same core",
  /// "same L3 cache", "same package", "same node") or what they do not ("other package", "other
  /// node"). Behind it in brackets what else differs ("other node", "other kind of core").
  /// "unknown" where hwloc does not know one of them.
  [[nodiscard]] std::string distance(int a, int b) const;

  /// Every CPU of the core that `cpu` belongs to, itself included; only itself if unknown.
  [[nodiscard]] std::vector<int> core_siblings(int cpu) const;

  /// Packages, cores, caches and nodes, for people.
  [[nodiscard]] std::vector<Fact> facts() const;
  [[nodiscard]] unsigned nr_nodes() const;

 private:
  struct Impl;
  explicit CpuTopology(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tlblab
