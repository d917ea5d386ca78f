// SPDX-License-Identifier: GPL-2.0-only
// Words of trials.
#include "user/records/trial.hh"

#include <fmt/format.h>

#include <stdexcept>

namespace tlblab::records {

std::string_view name(Arm arm) { return arm == Arm::kA ? "A" : "B"; }

Arm arm_of(std::string_view text) {
  for (const Arm arm : {Arm::kA, Arm::kB}) {
    if (text == name(arm)) return arm;
  }
  throw std::runtime_error("an arm that is neither A nor B");
}

TrialState state_of(std::string_view text) {
  const auto parsed = parse_trial_state(text);
  if (!parsed) throw std::runtime_error(fmt::format("unknown trial state \"{}\"", text));
  return *parsed;
}

}  // namespace tlblab::records
