// SPDX-License-Identifier: GPL-2.0-only
// The machine as JSON: in the header of a result file, and by `tlblab info --json`.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "user/model/machine.hh"

namespace tlblab {

/// Lists of facts become arrays of [name, value], which keep their order; those about flushes of
/// [name, value, source].
void to_json(nlohmann::json& to, const FlushFact& fact);
void from_json(const nlohmann::json& from, FlushFact& fact);
void to_json(nlohmann::json& to, const Machine& machine);
void from_json(const nlohmann::json& from, Machine& machine);

}  // namespace tlblab
