// SPDX-License-Identifier: GPL-2.0-only
// A trial of the probe pass.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "user/model/counts.hh"
#include "user/records/trial.hh"

namespace tlblab::records {

/// One walk of each victim over a working set of its own, right after an operation or after none.
struct ProbeTrial {
  std::uint32_t nr_pages = 0;  ///< of the working set
  std::uint32_t block = 0;     ///< for this number of pages, from 0
  Arm arm = Arm::kA;           ///< whose memory was prepared
  bool operated = false;       ///< false: the empty operation, which is subtracted
  TrialState state = TrialState::kOk;
  std::uint64_t initiator_ns = 0;
  std::vector<std::uint64_t> responders_ns;
  /// Of victims in another process. Empty without any, and in files in which none of them walked.
  std::vector<std::uint64_t> bystanders_ns;
  /// Of the walks: the initiator's, then the responders'; bystanders are not counted. Empty: the
  /// trial was timed, not counted.
  std::vector<Counts> counts;
};

std::string encode(const TrialPlace& place, const ProbeTrial& trial);
/// Throws a std::exception.
ProbeTrial decode_probe(const nlohmann::json& record);

}  // namespace tlblab::records
