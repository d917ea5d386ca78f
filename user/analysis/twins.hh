// SPDX-License-Identifier: GPL-2.0-only
// Cells whose times mean nothing alone, beside the cells of their twins.
#pragma once

#include <vector>

#include "user/analysis/analysis.hh"

namespace tlblab {

/// Before cells are judged: finds each cell's twin. A cell that needs one and has none on the same
/// terms gets its reason in `untimed`, and loses every time.
void pair_twins(std::vector<CellResult>& cells);

/// After: sets `agreement` of every cell that has a twin and compares two schemes.
void judge_agreement(std::vector<CellResult>& cells);

/// The rule: two decided verdicts agree when both are `different` with the same arm faster, or both
/// `equivalent`. A verdict of another kind decides nothing.
Agreement agreement_of(const CellResult& cell, const CellResult& twin);

}  // namespace tlblab
