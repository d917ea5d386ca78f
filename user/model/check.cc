// SPDX-License-Identifier: GPL-2.0-only
// Names of loads and observations, in files and reports alike.
#include "user/model/check.hh"

namespace tlblab {

std::string_view name(Load load) {
  switch (load) {
    case Load::kOneInitiator:
      return "1 initiator";
    case Load::kTwoDisjoint:
      return "2, disjoint ranges";
    case Load::kTwoSame:
      return "2, the same ranges";
  }
  return "";
}

std::optional<Load> parse_load(std::string_view text) {
  for (const Load load : kLoads) {
    if (text == name(load)) return load;
  }
  return std::nullopt;
}

std::string_view name(Observation observation) {
  switch (observation) {
    case Observation::kReleased:
      return "released frame";
    case Observation::kForeign:
      return "foreign data";
    case Observation::kAfterReturn:
      return "read after return";
  }
  return "";
}

std::optional<Observation> parse_observation(std::string_view text) {
  for (const Observation observation : kObservations) {
    if (text == name(observation)) return observation;
  }
  return std::nullopt;
}

}  // namespace tlblab
