// SPDX-License-Identifier: GPL-2.0-only
// The engines that there are, and schemes found by name.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "user/engine/engine.hh"

namespace tlblab {

/// Every engine that this build has, in the order `list` shows them.
std::span<const Engine* const> engines();

/// A scheme found by name.
struct SchemeRef {
  const Engine* engine = nullptr;
  std::shared_ptr<const Scheme> scheme;

  [[nodiscard]] const SchemeInfo& info() const { return scheme->info(); }
  [[nodiscard]] std::string full_name() const;  ///< "syscall/munmap:merged"
};

/// Accepts "munmap:merged" or "syscall/munmap:merged", whether or not this machine can do it.
/// Throws Error(kUsage) listing what exists.
SchemeRef parse_scheme(std::string_view name);

/// parse_scheme(), for a scheme that is to run here: throws Error(kMachine) with the reason when
/// this machine can't do it.
SchemeRef find_scheme(std::string_view name);

}  // namespace tlblab
