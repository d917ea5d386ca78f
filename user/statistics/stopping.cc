// SPDX-License-Identifier: GPL-2.0-only
// When a cell stops: on width or on time, never on significance.
#include "user/statistics/stopping.hh"

#include <bit>

namespace tlblab::statistics {

namespace {
constexpr std::size_t kFirstLook = 64;
}

std::string_view name(StopReason reason) {
  switch (reason) {
    case StopReason::kContinue:
      return "continue";
    case StopReason::kWidth:
      return "width";
    case StopReason::kTime:
      return "time";
  }
  return "unknown";
}

bool is_look(std::size_t nr_blocks) {
  return nr_blocks >= kFirstLook && std::has_single_bit(nr_blocks);
}

bool Stopper::reached(const SeriesEstimate& log_ratio) const {
  return relative_half_width(log_ratio, 0.95) <= rule_.width;
}

StopReason Stopper::decide(double elapsed_s) const {
  if (width_reached_ && elapsed_s >= rule_.min_seconds) return StopReason::kWidth;
  if (elapsed_s >= rule_.max_seconds) return StopReason::kTime;
  return StopReason::kContinue;
}

}  // namespace tlblab::statistics
