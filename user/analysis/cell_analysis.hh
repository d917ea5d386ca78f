// SPDX-License-Identifier: GPL-2.0-only
// One cell: from its trials to estimates, and from estimates to a word.
#pragma once

#include "user/analysis/analysis.hh"
#include "user/records/study_file.hh"

namespace tlblab {

/// Everything but what needs the other cells (adjusted p-values, verdict). `origin_s` is the epoch
/// time of the study's first trial. The result has no session when no block counts; its estimates
/// are then not numbers, and nr_dropped_blocks tells whether there was a complete block at all.
CellResult analyse_cell(const CellPlan& plan, const records::CellRecord& record, double origin_s);

/// Sets verdict and verdict_reason from the cell's evidence. Controls are not asked yet.
void judge_cell(CellResult& cell, const Criteria& criteria);

/// Of what the cell's sessions speak: "in this session", "in these 4 sessions (over 83 s of one
/// boot)", "on this machine (8 sessions over 21 min, 2 boots)".
std::string where(const CellResult& cell);

}  // namespace tlblab
