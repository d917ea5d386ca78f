// SPDX-License-Identifier: GPL-2.0-only
// A trial of the timing pass: an array, one line. There are millions of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "user/model/trial.hh"

namespace tlblab::records {

/// Names of the columns of a trial line, in order, for the header.
inline constexpr std::array<std::string_view, 9> kTrialColumns = {
    "cell", "session", "block", "order", "start_ns", "arm", "latency_ns", "state", "responders"};
/// Each element of "responders" is one responder's list of these.
inline constexpr std::array<std::string_view, 3> kResponderColumns = {"stolen_ns", "interrupts",
                                                                      "heartbeats"};

/// Where a trial belongs.
struct TrialPlace {
  std::uint32_t cell = 0;
  unsigned session = 0;
};

/// `origin_ns` is the CLOCK_MONOTONIC of the "cell" record that the trial belongs to.
std::string encode_trial(const TrialPlace& place, std::uint64_t origin_ns, const Trial& trial);

/// Reads trial lines by the names of their columns, so that other releases may order them otherwise
/// and add some.
class TrialReader {
 public:
  /// As the file's header names them. Throws a std::exception when one that is needed is not there.
  TrialReader(const std::vector<std::string>& trial_columns,
              const std::vector<std::string>& responder_columns);

  /// The start of the result counts from the "cell" record. Throws a std::exception.
  [[nodiscard]] std::pair<TrialPlace, Trial> decode(const nlohmann::json& columns) const;

 private:
  std::array<std::size_t, kTrialColumns.size()> trial_at_{};
  std::array<std::size_t, kResponderColumns.size()> responder_at_{};
};

/// "A" and "B", as every record spells an arm.
std::string_view name(Arm arm);
Arm arm_of(const nlohmann::json& value);
TrialState state_of(const nlohmann::json& value);

}  // namespace tlblab::records
