// SPDX-License-Identifier: GPL-2.0-only
// The machine as JSON: in the header of a result file, and by `tlblab info --json`.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "user/topology/machine.hh"

namespace tlblab {

/// Lists of facts become arrays of [name, value], which keep their order.
nlohmann::json machine_json(const Machine& machine);

}  // namespace tlblab
