// SPDX-License-Identifier: GPL-2.0-only
// Lines of one trial each, parsed by simdjson.
#include "user/records/early_trials.hh"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <span>
#include <stdexcept>
#include <string_view>

namespace tlblab::records {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;

constexpr std::array<std::string_view, 9> kTrialColumns = {
    "cell", "session", "block", "order", "start_ns", "arm", "latency_ns", "state", "responders"};
/// Each element of "responders" is one responder's list of these.
constexpr std::array<std::string_view, 3> kResponderColumns = {"stolen_ns", "interrupts",
                                                               "heartbeats"};

void find_all(std::span<const std::string_view> wanted, const std::vector<std::string>& columns,
              std::span<std::size_t> at) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto found = std::find(columns.begin(), columns.end(), wanted[i]);
    if (found == columns.end()) {
      throw std::runtime_error(fmt::format("its trials have no column \"{}\"", wanted[i]));
    }
    at[i] = static_cast<std::size_t>(found - columns.begin());
  }
}

template <typename Number>
Number number(const element& value) {
  return static_cast<Number>(std::uint64_t{value});
}

}  // namespace

EarlyTrialReader::EarlyTrialReader(const std::vector<std::string>& trial_columns,
                                   const std::vector<std::string>& responder_columns) {
  find_all(kTrialColumns, trial_columns, trial_at_);
  find_all(kResponderColumns, responder_columns, responder_at_);
}

std::pair<TrialPlace, Trial> EarlyTrialReader::decode(const array& columns) const {
  // In the order of kTrialColumns and kResponderColumns.
  const auto at = [&](std::size_t column) -> element { return columns.at(trial_at_[column]); };
  const TrialPlace place{number<std::uint32_t>(at(0)), number<unsigned>(at(1))};
  Trial trial;
  trial.block = number<std::uint32_t>(at(2));
  trial.order = number<std::uint8_t>(at(3));
  trial.start_ns = number<std::uint64_t>(at(4));
  trial.arm = arm_of(std::string_view(at(5)));
  trial.latency_ns = number<std::uint64_t>(at(6));
  trial.state = state_of(std::string_view(at(7)));
  for (const element& sample : array(at(8))) {
    const auto of = [&](std::size_t column) {
      return number<std::uint32_t>(array(sample).at(responder_at_[column]));
    };
    trial.responders.push_back({of(0), of(1), of(2)});
  }
  return {place, std::move(trial)};
}

}  // namespace tlblab::records
