// SPDX-License-Identifier: GPL-2.0-only
// Which pictures a study gets, and what is drawn in each.
#pragma once

#include "user/analysis/analysis.hh"
#include "user/report/draw/figure.hh"

namespace tlblab::report {

/// Everything from one run of gnuplot. Throws Error(kMachine) without gnuplot.
Figures draw_figures(const StudyResult& study);

}  // namespace tlblab::report
