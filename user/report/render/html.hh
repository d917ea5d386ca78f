// SPDX-License-Identifier: GPL-2.0-only
// The report as one HTML file that needs nothing else: no network, no script, no font.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "user/report/document/document.hh"
#include "user/report/draw/figure.hh"

namespace tlblab::report {

std::string render_html(const Document& document, const std::vector<Figure>& figures);

/// The page's style sheet: light, dark by the reader's preference, narrow, print.
std::string_view style_sheet();

}  // namespace tlblab::report
