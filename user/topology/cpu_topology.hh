// SPDX-License-Identifier: GPL-2.0-only
// Which CPUs share a core, a cache, a package, a node: hwloc's knowledge, without hwloc's types.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "user/topology/machine.hh"

namespace tlblab {

class CpuTopology {
 public:
  /// This machine as /sys shows it. Never fails: the answers below lack what hwloc cannot see.
  static CpuTopology of_this_machine();
  /// hwloc's synthetic notation, e.g. "pack:2 l3:2 core:2 pu:2" (tests). Throws
  /// std::invalid_argument on nonsense.
  static CpuTopology synthetic(const std::string& description);

  CpuTopology(CpuTopology&&) noexcept;
  CpuTopology& operator=(CpuTopology&&) noexcept;
  ~CpuTopology();

  /// `cpus` (ascending, not empty) as placement_order() wants them: the first stays first.
  /// `distance` orders CPUs that share nothing but the machine: smaller is nearer.
  [[nodiscard]] std::vector<int> order_by_nearness(
      const std::vector<int>& cpus, const std::function<int(int, int)>& distance) const;

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
