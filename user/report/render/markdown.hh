// SPDX-License-Identifier: GPL-2.0-only
// The report as Markdown: the same numbers, for a repository.
#pragma once

#include <string>

#include "user/report/document/document.hh"

namespace tlblab::report {

/// `figure` is the address of an SVG to show, relative to the file, or empty for none.
std::string render_markdown(const Document& document, const std::string& figure);

}  // namespace tlblab::report
