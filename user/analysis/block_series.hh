// SPDX-License-Identifier: GPL-2.0-only
// What each block of a session says, as one series for each question.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "user/records/study_file.hh"
#include "user/statistics/blocks.hh"

namespace tlblab {

/// One series for each question, over the blocks of a session that count.
class BlockSeries {
 public:
  /// False when the block does not count.
  bool add(const records::Block& block);

  [[nodiscard]] bool empty() const { return medians.empty(); }

  std::vector<statistics::ArmPair> medians;        ///< ns
  std::vector<statistics::ArmPair> trimmed_means;  ///< ns
  /// 99th percentiles, each of kBlocksPerTail blocks: a block alone has too few trials.
  std::vector<statistics::ArmPair> tails;
  /// What the responders lost, ns: medians over trials of the sum over responders.
  std::vector<statistics::ArmPair> stolen;
  /// From the end of a window to the start of the next trial, ns: the clean-up, which is the arm's,
  /// and the next set-up, which is the same for both.
  std::vector<statistics::ArmPair> outside;
  /// ln of the ratio found from the second trials of the runs alone, less that from the fifth:
  /// 0 unless what an arm leaves behind outlives the lead-in. Empty where trials alternated.
  std::vector<double> position;
  std::vector<double> calibrator_ns;

 private:
  void add_tail(const records::Block& block);

  std::array<std::vector<double>, 2> tail_ns_;
  std::size_t nr_tail_blocks_ = 0;
};

inline constexpr std::size_t kBlocksPerTail = 4;

}  // namespace tlblab
