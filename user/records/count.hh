// SPDX-License-Identifier: GPL-2.0-only
// A trial of the counting pass.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "user/model/account.hh"
#include "user/model/counts.hh"
#include "user/records/trial.hh"

namespace tlblab::records {

/// counts[0] is the initiator's, then the responders'.
struct CountTrial {
  Arm arm = Arm::kA;
  TrialState state = TrialState::kOk;
  std::uint64_t latency_ns = 0;
  std::vector<Counts> counts;
  Account engine_account;  ///< empty when the engine counts nothing
};

std::string encode(const TrialPlace& place, const CountTrial& trial);
/// Throws a std::exception.
CountTrial decode_count(const nlohmann::json& record);

}  // namespace tlblab::records
