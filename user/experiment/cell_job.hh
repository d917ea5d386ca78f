// SPDX-License-Identifier: GPL-2.0-only
// What a measuring process is told, and what it tells back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "user/model/plan.hh"
#include "user/statistics/blocks.hh"

namespace tlblab {

/// One cell in one session, for a process of its own. A new process per cell gives each session
/// fresh page tables, frames and address layout, and makes R = 0 honest: its mm was never loaded on
/// another CPU.
struct CellJob {
  std::string results_path;
  std::uint64_t seed = 0;
  std::uint32_t cell_index = 0;  ///< in the plan
  unsigned session = 1;
  unsigned count_trials = 0;  ///< per arm
  std::vector<int> cpus;
  CellPlan cell;
  /// What an interrupted process of the same cell and session left: the medians of its blocks that
  /// count, the index the next block gets, and the measuring time spent.
  std::vector<statistics::ArmPair> prior_medians;
  std::uint32_t first_block = 0;
  double prior_seconds = 0;
  bool hold = false;  ///< arm A for ever, nothing is recorded: for tools that look from outside
};

/// Sent now and then while a cell runs.
struct CellProgress {
  std::size_t nr_blocks = 0;
  double seconds = 0;
};

std::string job_to_text(const CellJob& job);
CellJob job_from_text(std::string_view text);
std::string progress_to_text(const CellProgress& progress);
CellProgress progress_from_text(std::string_view text);

}  // namespace tlblab
