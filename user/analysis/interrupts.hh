// SPDX-License-Identifier: GPL-2.0-only
// What A's interrupts are more than B's.
#pragma once

#include <string>
#include <utility>

#include "user/analysis/analysis.hh"

namespace tlblab {

/// Interrupts handled on responders per operation, A less B, and the event that counted them: flush
/// functions run (/proc/interrupts), else flushes carried out (tracepoint). No event: 0 and "".
std::pair<double, std::string> interrupts_avoided(const CellResult& cell);

}  // namespace tlblab
