// SPDX-License-Identifier: GPL-2.0-only
// One cell: from its estimates to a word.
#pragma once

#include <string>

#include "user/analysis/analysis.hh"

namespace tlblab {

/// Sets verdict and verdict_reason from the cell's evidence. Controls are not asked yet.
void judge_cell(CellResult& cell, const Criteria& criteria);

/// Of what the cell's sessions speak: "in this session", "in these 4 sessions (over 83 s of one
/// boot)", "on this machine (8 sessions over 21 min, 2 boots)".
std::string where(const CellResult& cell);

}  // namespace tlblab
