// SPDX-License-Identifier: GPL-2.0-only
// The record of one checked cell.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "user/model/check.hh"

namespace tlblab::records {

/// One line of JSON.
std::string encode(const CheckedCell& cell);
/// Throws a std::exception.
CheckedCell decode_checked_cell(const nlohmann::json& record);

}  // namespace tlblab::records
