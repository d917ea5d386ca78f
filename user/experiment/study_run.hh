// SPDX-License-Identifier: GPL-2.0-only
// Runs a plan: a process per cell and session, one result file, resumable at any moment.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "user/experiment/cell_job.hh"
#include "user/model/distance.hh"
#include "user/model/machine_finding.hh"
#include "user/model/plan.hh"

namespace tlblab {

/// Told while a study runs, for a progress bar. `total` counts steps left at the start.
struct StudyProgress {
  std::size_t done = 0;
  std::size_t total = 0;
  const CellPlan* cell = nullptr;
  unsigned session = 1;
  CellProgress in_cell;
  double elapsed_s = 0;
  double left_s = 0;
  double waits_s = 0;  ///< until the session may start; 0 while it measures
};

/// How a run came to be: goes into the header of a new file, or behind what an earlier run left.
struct RunOrigin {
  std::vector<std::string> argv;
  std::vector<MachineFinding> findings;     ///< of the look at the machine right before
  std::vector<CpuDistance> distances = {};  ///< of the plan's other CPUs from the initiator's
};

enum class StudyOutcome { kComplete, kInterrupted };

/// A run of `plan` into `path`: begins it, or goes on where an earlier run of the same plan on the
/// same machine stopped. Throws Error: kUsage when the file holds
/// another plan, machine or kernel or is in use; kMachine when a measuring process failed (its own
/// message has gone to stderr) or the disk is full.
StudyOutcome run_study(const StudyPlan& plan, const std::string& path, const RunOrigin& origin,
                       const std::function<void(const StudyProgress&)>& progress);

/// The plan's first cell's arm A again and again, in a process like any that measures, until a
/// signal comes; nothing is recorded. `told`: how many operations so far. Throws Error(kMachine).
void hold_first_arm(const StudyPlan& plan, const std::function<void(std::size_t)>& told);

/// The newest unfinished result file in `folder` for this plan and machine, or "".
std::string find_unfinished(const StudyPlan& plan, const std::string& folder);

}  // namespace tlblab
