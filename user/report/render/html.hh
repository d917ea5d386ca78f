// SPDX-License-Identifier: GPL-2.0-only
// The report as one HTML file that needs nothing else: no network, no script, no font.
#pragma once

#include <string>
#include <string_view>

#include "user/analysis/analysis.hh"

namespace tlblab::report {

/// Throws Error(kMachine) when gnuplot can't draw the figures.
std::string render_html(const StudyResult& study);

/// The page's style sheet: light, dark by the reader's preference, narrow, print.
std::string_view style_sheet();

}  // namespace tlblab::report
