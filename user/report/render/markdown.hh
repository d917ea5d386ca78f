// SPDX-License-Identifier: GPL-2.0-only
// The report as Markdown: the same numbers, for a repository.
#pragma once

#include <string>

#include "user/analysis/analysis.hh"

namespace tlblab::report {

/// `figure` is the address of an SVG to show, relative to the file, or empty for none.
std::string render_markdown(const StudyResult& study, const std::string& figure);

}  // namespace tlblab::report
