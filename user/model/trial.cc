// SPDX-License-Identifier: GPL-2.0-only
// Names of trial states, in files and reports alike.
#include "user/model/trial.hh"

#include <array>

namespace tlblab {
namespace {

constexpr std::array<std::string_view, kTrialStates> kNames = {"ok",
                                                               "not-loaded",
                                                               "stalled",
                                                               "switched",
                                                               "migrated",
                                                               "initiator-switched",
                                                               "initiator-migrated",
                                                               "initiator-faulted",
                                                               "lead-in"};

}  // namespace

std::string_view name(TrialState state) { return kNames[static_cast<std::size_t>(state)]; }

std::optional<TrialState> parse_trial_state(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == text) return static_cast<TrialState>(i);
  }
  return std::nullopt;
}

}  // namespace tlblab
