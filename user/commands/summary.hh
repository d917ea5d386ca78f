// SPDX-License-Identifier: GPL-2.0-only
// A study's outcome for a terminal, and for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "user/analysis/analysis.hh"

namespace tlblab {

/// A few lines: the answer, then A, B, ratio, difference, cost to responders, verdict and why.
std::string summary_text(const StudyResult& study);

/// The same and every cell, as JSON. Values that are not finite are null.
nlohmann::json summary_json(const StudyResult& study);

}  // namespace tlblab
