// SPDX-License-Identifier: GPL-2.0-only
// The whole check: first every planted fault must be caught, then every sound scheme is watched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "user/oracle/round_runner.hh"

namespace tlblab::oracle {

/// The scheme in which faults are planted: it owes the most, for the longest.
LabComposition faulty_scheme();

/// Every row of the module's table with each extent that it has and each way to complete it that is
/// in `mechanisms`, a mask of enum tlblab_mechanism. In the order of the table.
std::vector<LabComposition> sound_schemes(std::uint64_t mechanisms);

struct CheckPlan {
  std::vector<LabComposition> schemes;
  std::vector<int> cpus;  ///< initiators first
  Effort effort;
  /// Label faults and don't plant them, to show that the run is then void. For tests.
  bool defuse_faults = false;
};

/// The cells of a plan: first fault by fault, each under the loads where it can show, then scheme
/// by scheme, each under every load.
std::vector<CheckCell> cells_of(const CheckPlan& plan);

struct CheckProgress {
  std::size_t done = 0;  ///< cells
  std::size_t total = 0;
  std::string what;  ///< the cell that is being checked
};

/// Checks cell by cell and gives each to `keep` when it is done. Ends at the first fault that
/// escapes: then nothing may be concluded. Throws as check_cell() does.
void run_check(const TargetFactory& targets, const CheckPlan& plan,
               const std::function<void(const CheckProgress&)>& progress,
               const std::function<void(CheckedCell)>& keep);

}  // namespace tlblab::oracle
