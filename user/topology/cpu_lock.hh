// SPDX-License-Identifier: GPL-2.0-only
// One run at a time on a CPU: two would interrupt each other, and neither would know.
#pragma once

#include <vector>

namespace tlblab {

/// Holds CPUs for a run. Each is an abstract Unix socket that the kernel takes back however the
/// process ends; no root and no file is needed, and whoever finds one taken can ask who has it.
/// Containers with a network namespace of their own don't see each other's.
class CpuLock {
 public:
  /// Throws Error(kMachine) that says who holds a CPU; then none is taken.
  explicit CpuLock(const std::vector<int>& cpus);
  ~CpuLock();
  CpuLock(const CpuLock&) = delete;
  CpuLock& operator=(const CpuLock&) = delete;

 private:
  std::vector<int> sockets_;
};

}  // namespace tlblab
