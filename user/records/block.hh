// SPDX-License-Identifier: GPL-2.0-only
// The record of a block: its trials, a column for each quantity. There are a hundred million trials
// in a long study, so this record alone is written and parsed for speed.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "user/model/account.hh"
#include "user/model/trial.hh"
#include "user/records/trial.hh"

namespace simdjson::dom {
class element;
}

namespace tlblab::records {

/// A block of one session of one cell, as it is written.
struct BlockRecord {
  TrialPlace place;
  std::uint32_t index = 0;
  double seconds = 0;  ///< measuring time of the session up to this block's end
  std::uint64_t calibrator_ns = 0;
  std::array<Account, 2> engine_accounts{};  ///< by arm, summed over its trials; may be empty
  std::vector<Trial> trials{};               ///< not empty; all with the same number of responders
};

/// `origin_ns` is the CLOCK_MONOTONIC of the "cell" record that the block belongs to. One that was
/// interrupted has another name: its trials are kept and not used.
std::string encode(const BlockRecord& block, std::uint64_t origin_ns);
std::string encode_interrupted(const BlockRecord& block, std::uint64_t origin_ns);

/// Names of trial states by the numbers that stand for them in this release's files.
std::vector<std::string> state_names();

/// Reads block records.
class BlockReader {
 public:
  /// `names`: of trial states, by the number that stands for each in the file. Throws a
  /// std::exception: one of them is not known.
  explicit BlockReader(const std::vector<std::string>& names);

  /// Into `block`, whose memory is used again. Starts of trials count from the "cell" record.
  /// A record of schema 1 has no trials in it. Throws a std::exception.
  void decode(const simdjson::dom::element& record, BlockRecord& block) const;

 private:
  std::vector<TrialState> states_;
};

}  // namespace tlblab::records
