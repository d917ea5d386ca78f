// SPDX-License-Identifier: GPL-2.0-only
// A check as a person reads it, and as JSON. Pure.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "user/analysis/check_analysis.hh"

namespace tlblab {

/// The faults, the matrix of verdicts, what was seen, and the conclusion. Lines of `width` columns.
std::string check_text(const CheckResult& check, std::size_t width);
nlohmann::json check_json(const CheckResult& check);

}  // namespace tlblab
