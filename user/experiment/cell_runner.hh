// SPDX-License-Identifier: GPL-2.0-only
// Measures one cell in one session: the body of a measuring process.
#pragma once

#include <functional>

#include "user/experiment/cell_job.hh"

namespace tlblab {

/// Runs blocks until the stopping rule ends them, then the counting pass and the probe pass, and
/// appends everything to job.results_path. `progress` is called between blocks, at most twice a
/// second. Returns false when interrupted() ended it early: the complete blocks are on disk. A job
/// that holds records nothing and ends only so. Throws Error.
bool run_cell(const CellJob& job, const std::function<void(const CellProgress&)>& progress);

}  // namespace tlblab
