// SPDX-License-Identifier: GPL-2.0-only
// The sections of a report that speak of cells: figures, tables, account, controls.
#pragma once

#include <vector>

#include "user/analysis/analysis.hh"
#include "user/report/document/document.hh"
#include "user/report/document/tables.hh"

namespace tlblab::report {

/// In reading order. A study that shows no time gets only those that hold none. Needs a headline().
std::vector<Section> cell_sections(const StudyResult& study, const Labels& labels);

}  // namespace tlblab::report
