// SPDX-License-Identifier: GPL-2.0-only
// Trials as lines, written by hand for speed.
#include "user/records/trial.hh"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace tlblab::records {

using nlohmann::json;

std::string_view name(Arm arm) { return arm == Arm::kA ? "A" : "B"; }

Arm arm_of(const json& value) {
  const auto text = value.get<std::string>();
  for (const Arm arm : {Arm::kA, Arm::kB}) {
    if (text == name(arm)) return arm;
  }
  throw std::runtime_error("an arm that is neither A nor B");
}

TrialState state_of(const json& value) {
  const auto parsed = parse_trial_state(value.get<std::string>());
  if (!parsed) throw std::runtime_error("unknown trial state");
  return *parsed;
}

std::string encode_trial(const TrialPlace& place, std::uint64_t origin_ns, const Trial& trial) {
  std::string line;
  auto out = std::back_inserter(line);
  fmt::format_to(out, "[{},{},{},{},{},\"{}\",{},\"{}\",[", place.cell, place.session, trial.block,
                 trial.order, trial.start_ns - origin_ns, name(trial.arm), trial.latency_ns,
                 tlblab::name(trial.state));
  const char* separator = "";
  for (const ResponderSample& sample : trial.responders) {
    fmt::format_to(out, "{}[{},{},{}]", separator, sample.stolen_ns, sample.interrupts,
                   sample.heartbeats);
    separator = ",";
  }
  return line + "]]";
}

std::pair<TrialPlace, Trial> decode_trial(const json& columns) {
  const TrialPlace place{columns.at(0).get<std::uint32_t>(), columns.at(1).get<unsigned>()};
  Trial trial;
  trial.block = columns.at(2).get<std::uint32_t>();
  trial.order = columns.at(3).get<std::uint8_t>();
  trial.start_ns = columns.at(4).get<std::uint64_t>();
  trial.arm = arm_of(columns.at(5));
  trial.latency_ns = columns.at(6).get<std::uint64_t>();
  trial.state = state_of(columns.at(7));
  for (const json& sample : columns.at(8)) {
    trial.responders.push_back({sample.at(0).get<std::uint32_t>(),
                                sample.at(1).get<std::uint32_t>(),
                                sample.at(2).get<std::uint32_t>()});
  }
  return {place, std::move(trial)};
}

}  // namespace tlblab::records
