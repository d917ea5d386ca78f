// SPDX-License-Identifier: GPL-2.0-only
// What an operation caused as its engine counts it, and what it must cause.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace tlblab {

/// Terms of an engine's own account, by name. A term that the engine can't count is absent: unknown
/// is never zero.
using Account = std::map<std::string, std::uint64_t>;

/// What one call of a scheme must cause, from the engine's knowledge of the kernel
/// (docs/methods.md's table of requests). Empty where the engine can't know.
struct ExpectedFlushes {
  std::optional<std::uint64_t> requests;      ///< flush requests per operation, exact
  std::optional<std::uint64_t> extent_pages;  ///< pages between the bounds of one request
  std::string note;                           ///< where the number comes from
  Account inside;  ///< terms of the engine's own account that every operation must show just so
};

}  // namespace tlblab
