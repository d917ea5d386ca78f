// SPDX-License-Identifier: GPL-2.0-only
// The record of a block: the trials above it are a whole block.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "user/model/account.hh"
#include "user/records/trial.hh"

namespace tlblab::records {

struct BlockEnd {
  TrialPlace place;
  std::uint32_t index = 0;
  double seconds = 0;  ///< measuring time of the session up to this block's end
  std::uint64_t calibrator_ns = 0;
  std::array<Account, 2> engine_accounts;  ///< by arm, summed over its trials; may be empty
};

std::string encode(const BlockEnd& block);
/// Throws a std::exception.
BlockEnd decode_block(const nlohmann::json& record);

}  // namespace tlblab::records
