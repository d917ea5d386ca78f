// SPDX-License-Identifier: GPL-2.0-only
// Trials as lines, written by hand for speed.
#include "user/records/trial.hh"

#include <fmt/format.h>

#include <algorithm>
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

TrialReader::TrialReader(const std::vector<std::string>& trial_columns,
                         const std::vector<std::string>& responder_columns) {
  const auto find_all = [](const auto& wanted, const std::vector<std::string>& columns, auto& at) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto found = std::find(columns.begin(), columns.end(), wanted[i]);
      if (found == columns.end()) {
        throw std::runtime_error(fmt::format("its trials have no column \"{}\"", wanted[i]));
      }
      at[i] = static_cast<std::size_t>(found - columns.begin());
    }
  };
  find_all(kTrialColumns, trial_columns, trial_at_);
  find_all(kResponderColumns, responder_columns, responder_at_);
}

std::pair<TrialPlace, Trial> TrialReader::decode(const json& columns) const {
  // In the order of kTrialColumns and kResponderColumns.
  const auto at = [&](std::size_t column) -> const json& { return columns.at(trial_at_[column]); };
  const TrialPlace place{at(0).get<std::uint32_t>(), at(1).get<unsigned>()};
  Trial trial;
  trial.block = at(2).get<std::uint32_t>();
  trial.order = at(3).get<std::uint8_t>();
  trial.start_ns = at(4).get<std::uint64_t>();
  trial.arm = arm_of(at(5));
  trial.latency_ns = at(6).get<std::uint64_t>();
  trial.state = state_of(at(7));
  for (const json& sample : at(8)) {
    const auto of = [&](std::size_t column) {
      return sample.at(responder_at_[column]).get<std::uint32_t>();
    };
    trial.responders.push_back({of(0), of(1), of(2)});
  }
  return {place, std::move(trial)};
}

}  // namespace tlblab::records
