// SPDX-License-Identifier: GPL-2.0-only
// The account of flushes: what was asked, sent and handled, by which source.
#pragma once

#include <string>
#include <utility>

#include "user/analysis/analysis.hh"

namespace tlblab::report {

/// Interrupts handled on responders per operation, A less B, and the source of that figure: the
/// vector tracepoints, else /proc/interrupts, else the gaps that the responders saw themselves.
std::pair<double, std::string> interrupts_avoided(const CellResult& cell);

}  // namespace tlblab::report
