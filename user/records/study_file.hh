// SPDX-License-Identifier: GPL-2.0-only
// A study's result file, read back whole.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "user/model/account.hh"
#include "user/model/expectation.hh"
#include "user/model/trial.hh"
#include "user/records/count.hh"
#include "user/records/header.hh"
#include "user/records/probe.hh"

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

struct SessionRecord {
  unsigned session = 0;
  std::vector<Block> blocks;
  std::vector<CountTrial> counts;
  std::vector<ProbeTrial> probes;       ///< empty in files from before there was a probe pass
  std::array<Expectation, 2> expected;  ///< by arm: of the engine, where it ran
  std::string stop_reason;              ///< empty while the cell has not ended
  std::string boot_id;                  ///< of the boot it was measured in; "" in early files
  /// An early file's blocks: trials alternate, and only those are measured that follow one of their
  /// own arm. The others are marked as lead-ins.
  bool alternated = false;
  std::size_t nr_interrupted_trials = 0;  ///< of blocks that never completed
};

struct CellRecord {
  std::vector<SessionRecord> sessions;  ///< ascending by session
};

/// A whole file. `cells` is indexed as the header's plan is.
struct StudyFile {
  StudyHeader header;
  std::vector<RunHeader> later_runs;  ///< that went on in the file, in order
  std::vector<CellRecord> cells;
  std::vector<std::string> warnings;  ///< a torn last line, ...
};

/// Throws Error(kUsage): not there, not a study's file, another schema, or damaged at line N.
StudyFile read_study_file(const std::string& path);

}  // namespace tlblab::records
