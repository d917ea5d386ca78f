// SPDX-License-Identifier: GPL-2.0-only
// What an operation must cause.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "user/model/account.hh"

namespace tlblab {

/// What one call of a scheme must cause, from the engine's knowledge of the kernel
/// (docs/methods.md's table of requests). Empty where the engine can't know.
struct Expectation {
  std::optional<std::uint64_t> requests;      ///< flush requests per operation, exact
  std::optional<std::uint64_t> extent_pages;  ///< pages between the bounds of one request
  std::string note;                           ///< where the number comes from
  Account account;  ///< terms of the engine's own account that every operation must show just so
};

}  // namespace tlblab
