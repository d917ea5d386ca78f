// SPDX-License-Identifier: GPL-2.0-only
// A study's result file, read in one go from its first record to its last: a long one is larger
// than memory.
#pragma once

#include <array>
#include <cstddef>
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
  std::vector<Trial> trials;  ///< starts count from the "cell" record
  /// An early file's block: trials alternate, and only those are measured that follow one of their
  /// own arm. The others are marked as lead-ins.
  bool alternated = false;
  std::array<Account, 2> engine_accounts;  ///< by arm, summed over its trials; may be empty
};

/// A process begins a cell in a session, or goes on with it.
struct SessionBegin {
  std::array<Expectation, 2> expected;  ///< by arm: of the engine, where it ran
  std::string boot_id;                  ///< of the boot it runs in; "" in early files
};

/// Is told what a file holds, in its order. What is not wanted is not overridden. Exceptions that
/// are no Error are the file's damage at that line.
class StudyVisitor {
 public:
  StudyVisitor() = default;
  virtual ~StudyVisitor() = default;
  StudyVisitor(const StudyVisitor&) = delete;
  StudyVisitor& operator=(const StudyVisitor&) = delete;

  virtual void header(StudyHeader&& /*header*/) {}
  /// A later run that goes on in the file.
  virtual void later_run(RunHeader&& /*run*/) {}
  virtual void session(const TrialPlace& /*place*/, SessionBegin&& /*begin*/) {}
  /// The block is the reader's, and gone when this returns.
  virtual void block(const TrialPlace& /*place*/, const Block& /*block*/) {}
  /// Trials of a block that never completed.
  virtual void interrupted(const TrialPlace& /*place*/, std::size_t /*nr_trials*/) {}
  virtual void count(const TrialPlace& /*place*/, CountTrial&& /*trial*/) {}
  virtual void probe(const TrialPlace& /*place*/, ProbeTrial&& /*trial*/) {}
  /// The cell ended in the session, and why.
  virtual void end(const TrialPlace& /*place*/, const std::string& /*reason*/) {}
};

/// Returns warnings: a torn last line, records that are not known. Throws Error(kUsage): not there,
/// not a study's file, another schema, or damaged at line N.
std::vector<std::string> read_study_file(const std::string& path, StudyVisitor& visitor);

}  // namespace tlblab::records
