// SPDX-License-Identifier: GPL-2.0-only
// The CPUs of a benchmark.
#pragma once

#include <vector>

#include "user/topology/placement.hh"

namespace tlblab {

/// placement_order() as it was before any benchmark pinned this thread: a pinned thread may use one
/// CPU only, and would find no responder.
inline const std::vector<int>& benchmark_cpus() {
  static const std::vector<int> cpus = placement_order();
  return cpus;
}

}  // namespace tlblab
