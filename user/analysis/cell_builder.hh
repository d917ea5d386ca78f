// SPDX-License-Identifier: GPL-2.0-only
// One cell, from its records to its estimates, without keeping the records.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "user/analysis/analysis.hh"
#include "user/analysis/arm_builder.hh"
#include "user/analysis/block_series.hh"
#include "user/analysis/probe.hh"
#include "user/records/study_file.hh"

namespace tlblab {

/// The session of a cell that is being read.
struct OpenSession {
  unsigned session = 0;
  std::string boot_id;
  BlockSeries series;
  ProbedSession probed;
  bool has_blocks = false;
  std::string stop_reason;  ///< empty while the cell has not ended
};

/// Takes what a file holds of one cell, in its order. A block's trials become a few numbers at
/// once; a session's blocks become estimates when the next session begins.
class CellBuilder {
 public:
  explicit CellBuilder(const CellPlan& plan);

  /// `session` is the one that is under way from now on.
  void begin(unsigned session, const records::SessionBegin& begin);
  void add(const records::Block& block);
  void add(const records::CountTrial& trial);
  void add(records::ProbeTrial&& trial);
  void add_interrupted(std::size_t nr_trials) { cell_.nr_interrupted_trials += nr_trials; }
  void end(const std::string& reason);

  /// Of all blocks so far, since the epoch; infinite without any.
  [[nodiscard]] double first_block_s() const { return first_block_s_; }
  [[nodiscard]] std::size_t nr_sessions_ended() const { return nr_ended_; }

  /// Everything but what needs the other cells (adjusted p-values, verdict). `origin_s` is the
  /// epoch time of the study's first block. The result has no session when no block counts; its
  /// estimates are then not numbers, and nr_dropped_blocks tells whether there was a complete block
  /// at all.
  CellResult finish(double origin_s);

 private:
  /// The session that is under way. Throws a std::exception: none is.
  OpenSession& open();
  void close();
  void add_series(const OpenSession& open);
  void add_sessions_together();

  CellResult cell_;
  ArmBuilder a_, b_;
  Quantity ln_ratio_, ln_mean_ratio_, ln_tail_ratio_, difference_, outside_, position_;
  std::vector<std::string> boots_;  ///< of each session; "" where not recorded
  ArmQuantities quantities_a_, quantities_b_;
  ProbeAnalysis probe_;
  std::optional<OpenSession> open_;
  double first_block_s_;
  std::size_t nr_ended_ = 0;
};

}  // namespace tlblab
