// SPDX-License-Identifier: GPL-2.0-only
// What counters showed of one operation.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace tlblab {

/// Event name -> count, of one operation on one CPU. An event that could not be counted is absent:
/// unknown is never zero.
using Counts = std::map<std::string, std::uint64_t>;

}  // namespace tlblab
