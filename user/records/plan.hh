// SPDX-License-Identifier: GPL-2.0-only
// A plan as JSON: in the header of result files, and on the way to a measuring process.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "user/model/plan.hh"

namespace tlblab {

void to_json(nlohmann::json& json, const CellPlan& cell);
void from_json(const nlohmann::json& json, CellPlan& cell);
void to_json(nlohmann::json& json, const StudyPlan& plan);
void from_json(const nlohmann::json& json, StudyPlan& plan);

}  // namespace tlblab
