// SPDX-License-Identifier: GPL-2.0-only
// Whose events this machine counts.
#pragma once

#include "user/counters/events.hh"

namespace tlblab::counters {

inline constexpr Architecture kThisArchitecture = Architecture::kX86;

}  // namespace tlblab::counters
