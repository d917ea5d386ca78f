// SPDX-License-Identifier: GPL-2.0-only
// What A's interrupts are more than B's, and what one of them costs the caller.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "user/analysis/analysis.hh"

namespace tlblab {

/// Interrupts handled on responders per operation, A less B, and the event that counted them: flush
/// functions run (/proc/interrupts), else flushes carried out (tracepoint). No event: 0 and "".
std::pair<double, std::string> interrupts_avoided(const CellResult& cell);

/// The cell that tells what remains of `cell`'s difference without responders: of the same arms and
/// shape, with as many CPUs spinning in another process, else with idle ones. Null: none.
const CellResult* control_without_responders(const std::vector<CellResult>& cells,
                                             const CellResult& cell);

/// Sets per_interrupt_ns and price_basis of each cell: the difference between A and B, less what
/// remains of it without responders, over the interrupts avoided. Its interval takes both
/// differences as independent.
void price_interrupts(std::vector<CellResult>& cells);

}  // namespace tlblab
