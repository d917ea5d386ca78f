// SPDX-License-Identifier: GPL-2.0-only
// What records of trials have in common: where one belongs, how its arm and state are spelt.
#pragma once

#include <cstdint>
#include <string_view>

#include "user/model/trial.hh"

namespace tlblab::records {

/// Where a trial belongs.
struct TrialPlace {
  std::uint32_t cell = 0;
  unsigned session = 0;
};

/// "A" and "B", as every record spells an arm.
std::string_view name(Arm arm);
/// Throw a std::exception: there is no such arm or state.
Arm arm_of(std::string_view text);
TrialState state_of(std::string_view text);

}  // namespace tlblab::records
