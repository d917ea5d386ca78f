// SPDX-License-Identifier: GPL-2.0-only
// Latency and interrupts along one dimension of a study: the panels of the main figure.
#pragma once

#include <vector>

#include "user/report/document/tables.hh"
#include "user/report/draw/figure.hh"
#include "user/report/draw/panel.hh"

namespace tlblab::report {

/// Along what a sweep's cells stand.
enum class Along {
  kVmas,
  kResponders,
  kCells,  ///< one number of VMAs only: its cells side by side, which make no curve
};

/// Cells that differ in one dimension only, ascending along it, and their R = 0 controls.
struct Sweep {
  std::vector<const CellResult*> cells;
  std::vector<const CellResult*> controls;  ///< empty when `cells` themselves have no responder
  Along along = Along::kVmas;
  /// Where B's request passes the flush ceiling, in VMAs; 0: nowhere, or not known.
  double ceiling_at = 0;
};

/// One sweep over VMAs for each (pair of schemes, pages per VMA, gap), the headline's first; each
/// at the headline's number of responders, or its own largest where that was not measured.
std::vector<Sweep> vma_sweeps(const StudyResult& study);
/// The headline's shape over the number of responders; empty with fewer than three of them.
Sweep responder_sweep(const StudyResult& study);

Panel latency_panel(const Sweep& sweep, const Labels& labels);
/// The ratio of each cell, every session as a dot, with the bound of equivalence around 1.
Panel ratio_panel(const Sweep& sweep, const Criteria& criteria);

/// Interrupts per operation, and where the number is from. `what` is empty when nothing is known.
struct InterruptPanel {
  Panel panel;
  std::string what;  ///< "interrupts on responders (<event>)"
};
/// Falls back on the interruptions that responders saw by their clocks, unless
/// `counts_only`.
InterruptPanel interrupt_panel(const Sweep& sweep, const Labels& labels, bool counts_only);

std::vector<KeyEntry> key_of(const Panel& panel);

}  // namespace tlblab::report
