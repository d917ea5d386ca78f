// SPDX-License-Identifier: GPL-2.0-only
// Reads a result file back, plain or gzip'ed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "user/model/account.hh"
#include "user/model/counts.hh"
#include "user/model/expectation.hh"
#include "user/model/trial.hh"

namespace tlblab::records {

/// A complete block of one session of one cell.
struct Block {
  std::uint32_t index = 0;
  double time_s = 0;   ///< of its first trial, since the epoch (CLOCK_REALTIME)
  double seconds = 0;  ///< measuring time of the session up to this block's end
  std::uint64_t calibrator_ns = 0;
  std::vector<Trial> trials;
  std::array<Account, 2> engine_accounts;  ///< by arm, summed over its trials; may be empty
};

/// One trial of the counting pass. counts[0] is the initiator's, then the responders'.
struct CountTrial {
  Arm arm = Arm::kA;
  TrialState state = TrialState::kOk;
  std::uint64_t latency_ns = 0;
  std::vector<Counts> counts;
  Account engine_account;  ///< empty when the engine counts nothing
};

struct SessionRecord {
  unsigned session = 0;
  std::vector<Block> blocks;
  std::vector<CountTrial> counts;
  /// What the engine expected of each arm where it ran; absent in files of 0.1.0.
  std::optional<std::array<Expectation, 2>> expected;
  std::string stop_reason;                ///< empty while the cell has not ended
  std::size_t nr_interrupted_trials = 0;  ///< of blocks that never completed
};

struct CellRecord {
  std::vector<SessionRecord> sessions;  ///< ascending by session
};

/// A whole file. `cells` is indexed as the header's plan is.
struct ResultFile {
  std::string header;  ///< the header line, JSON
  std::vector<CellRecord> cells;
  std::vector<std::string> warnings;  ///< a torn last line, ...
};

/// Throws Error(kUsage): not there, not a result file, another schema, or damaged at line N.
ResultFile read_result_file(const std::string& path);

}  // namespace tlblab::records
