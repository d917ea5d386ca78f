// SPDX-License-Identifier: GPL-2.0-only
// When a cell stops: on width or on time, never on significance.
#pragma once

#include <cstddef>
#include <string_view>

#include "user/model/criteria.hh"
#include "user/statistics/series.hh"

namespace tlblab::statistics {

enum class StopReason { kContinue, kWidth, kTime };
std::string_view name(StopReason reason);

/// Looks are taken at 64, 128, 256, ... blocks only: a width that is small by luck gets few
/// chances. A look never asks whether the arms differ: stopping at the first significant
/// block makes about a third of all A/A sessions "different" (the self-test's mutants measure it).
bool is_look(std::size_t nr_blocks);

/// Holds the outcome of the latest look. Feed it after each block. Between looks only time counts:
/// the cell stops at the first moment when the latest look had the width and min_seconds have
/// passed, or else at max_seconds.
class Stopper {
 public:
  explicit Stopper(StoppingRule rule) : rule_(rule) {}
  /// `nr_blocks` counts the blocks that entered the series; `elapsed_s` the measuring time of this
  /// cell and session. `estimate` is called only at looks; it returns the SeriesEstimate of the log
  /// ratios so far. Call once per block that counts; a block that doesn't is fed with the same
  /// nr_blocks, so that time still ends the cell.
  template <typename Estimate>
  StopReason after_block(std::size_t nr_blocks, double elapsed_s, Estimate&& estimate) {
    if (is_look(nr_blocks)) width_reached_ = reached(estimate());
    return decide(elapsed_s);
  }

 private:
  [[nodiscard]] bool reached(const SeriesEstimate& log_ratio) const;
  [[nodiscard]] StopReason decide(double elapsed_s) const;

  StoppingRule rule_;
  bool width_reached_ = false;
};

}  // namespace tlblab::statistics
