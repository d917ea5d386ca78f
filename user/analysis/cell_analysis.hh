// SPDX-License-Identifier: GPL-2.0-only
// One cell: from its trials to estimates, and from estimates to a word.
#pragma once

#include "user/analysis/analysis.hh"
#include "user/records/study_file.hh"

namespace tlblab {

/// Everything but what needs the other cells (adjusted_p, verdict). `origin_s` is the epoch time of
/// the study's first trial. The result has no session when no block counts; its estimates are then
/// not numbers, and nr_dropped_blocks tells whether there was a complete block at all.
CellResult analyse_cell(const CellPlan& plan, const records::CellRecord& record, double origin_s);

/// Sets verdict and verdict_reason from the estimates and cell.adjusted_p.
void judge_cell(CellResult& cell, const Criteria& criteria);

/// More trials set apart than this share, in either arm, and the cell is void.
inline constexpr double kMaxApartShare = 0.25;

}  // namespace tlblab
