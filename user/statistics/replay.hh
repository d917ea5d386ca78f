// SPDX-License-Identifier: GPL-2.0-only
// Replay: a recording of one scheme, relabelled at random as A and B, analysed as if it were live.
//
// Both arms are then the same scheme, so the truth is known, while the noise and its
// autocorrelation are the machine's own. Thousands of such sessions tell how often the production
// analysis is wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "user/statistics/blocks.hh"
#include "user/statistics/series.hh"
#include "user/statistics/stopping.hh"
#include "user/statistics/verdict.hh"

namespace tlblab::statistics {

/// Trials of one scheme on one shape, in time order; those that were set apart are left out.
struct Recording {
  std::string name;
  std::vector<double> latency_ns;  ///< finite and positive
  double trials_per_second = 0;    ///< pace of the recording, set-up between trials included
};

/// The production analysis in replaceable pieces. A default-made Method is what `ab` and
/// `study` run; a mutant replaces one piece and leaves the rest as it is.
struct Method {
  using Estimate = std::function<SeriesEstimate()>;
  /// Called after each block like Stopper::after_block.
  using Stopping =
      std::function<StopReason(std::size_t nr_blocks, double elapsed_s, const Estimate&)>;

  std::function<std::optional<BlockMedians>(std::span<const Arm>, std::span<const double>)>
      medians = block_medians;
  std::function<SeriesEstimate(std::span<const double>)> estimate = estimate_series;
  /// Makes the stopping of one session.
  std::function<Stopping(const StoppingRule&)> stopping = production_stopping;
  std::function<Verdict(const SeriesEstimate&, double adjusted_p, const Criteria&)> verdict =
      production_verdict;
  std::function<SessionsEstimate(std::span<const double>)> sessions = across_sessions;

  static Stopping production_stopping(const StoppingRule& rule);
  static Verdict production_verdict(const SeriesEstimate& log_ratio, double adjusted_p,
                                    const Criteria& criteria);
};

/// What is done to arm A on top of the recording: the factor on its latency at a moment of the
/// session, in seconds since its start. Called with times that never go back.
using Effect = std::function<double(double elapsed_s)>;

/// One replayed session: which labels, and where in the recording it begins. It wraps around at the
/// end: labels are drawn again, so a trial used twice is merely a value that occurs twice.
struct SessionPlan {
  std::uint64_t seed = 0;     ///< of block_schedule
  std::uint64_t session = 0;  ///< of block_schedule; another session has other labels
  std::size_t start = 0;      ///< index of its first trial
};

struct SessionOutcome {
  SeriesEstimate log_ratio;
  StopReason stopped = StopReason::kContinue;
  double elapsed_s = 0;
  Verdict verdict = Verdict::kVoid;  ///< as the only verdict of its study: p is not adjusted
};

SessionOutcome replay_session(const Recording& recording, const SessionPlan& plan,
                              const Effect& effect, const Method& method, const StoppingRule& rule,
                              const Criteria& criteria);

}  // namespace tlblab::statistics
