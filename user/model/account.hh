// SPDX-License-Identifier: GPL-2.0-only
// What an operation caused, as its engine counts it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace tlblab {

/// Terms of an engine's own account, by name. A term that the engine can't count is absent: unknown
/// is never zero.
using Account = std::map<std::string, std::uint64_t>;

}  // namespace tlblab
