// SPDX-License-Identifier: GPL-2.0-only
// Replay: a recording of one scheme, relabelled at random as A and B, analysed as if it were live.
//
// Both arms are then the same scheme, so the truth is known, while the noise and its
// autocorrelation are the machine's own. Thousands of such sessions tell how often the production
// analysis is wrong.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "user/statistics/blocks.hh"
#include "user/statistics/controls.hh"
#include "user/statistics/series.hh"
#include "user/statistics/sessions.hh"
#include "user/statistics/stopping.hh"
#include "user/statistics/verdict.hh"

namespace tlblab::statistics {

/// Trials of one scheme on one shape, in time order; those that were set apart are left out.
struct Recording {
  std::string name;
  std::vector<double> latency_ns;  ///< finite and positive
  double trials_per_second = 0;    ///< pace of the recording, set-up between trials included
};

/// The order of one block's trials.
struct Schedule {
  std::array<Arm, kTrialsPerBlock> arms{};
  std::array<bool, kTrialsPerBlock> leads_in{};
};

/// What one session says, before any word.
struct Findings {
  SeriesEstimate typical;               ///< log ratio of medians
  SeriesEstimate mean;                  ///< log ratio of trimmed means
  std::array<double, 2> apart_share{};  ///< of each arm's measured trials
};

/// The production analysis in replaceable pieces. A default-made Method is what `ab` and
/// `study` run; a mutant replaces one piece and leaves the rest as it is.
struct Method {
  using Estimate = std::function<SeriesEstimate()>;
  /// Called after each block like Stopper::after_block.
  using Stopping =
      std::function<StopReason(std::size_t nr_blocks, double elapsed_s, const Estimate&)>;

  std::function<Schedule(std::uint64_t seed, std::uint64_t session, std::uint64_t block)> schedule =
      production_schedule;
  std::function<std::optional<BlockFigures>(std::span<const Measured>)> figures =
      production_figures;
  std::function<SeriesEstimate(std::span<const double>)> estimate = estimate_series;
  /// Makes the stopping of one session.
  std::function<Stopping(const StoppingRule&)> stopping = production_stopping;
  std::function<State(const SeriesEstimate&, double width)> state = state_of;
  std::function<Claim(const SeriesEstimate&, State)> claim = production_claim;
  std::function<bool(const std::array<double, 2>& apart_share, double log_ratio)> voids =
      apart_voids;
  std::function<Verdict(const Evidence&, const Criteria&)> judge = statistics::judge;
  std::function<bool(Verdict, const Evidence&, double stray, double smallest, const Criteria&)>
      stands = statistics::stands;
  std::function<SessionsEstimate(std::span<const Session>)> sessions = across_sessions;

  static Schedule production_schedule(std::uint64_t seed, std::uint64_t session,
                                      std::uint64_t block);
  static std::optional<BlockFigures> production_figures(std::span<const Measured> trials);
  static Stopping production_stopping(const StoppingRule& rule);
  static Claim production_claim(const SeriesEstimate& log_ratio, State state);
};

/// One trial of a replay, before anything is done to it.
struct ReplayedTrial {
  Arm arm = Arm::kA;
  double elapsed_s = 0;   ///< since the session's start
  double latency_ns = 0;  ///< of the recording
  bool apart = false;
};

/// What is planted on top of the recording: changes the trial's latency_ns or apart. Called for
/// every trial in time order, lead-ins too; a session's own, so that it may remember.
using Effect = std::function<void(ReplayedTrial&)>;

/// One replayed session: which labels, and where in the recording it begins. It wraps around at the
/// end: labels are drawn again, so a trial used twice is merely a value that occurs twice.
struct SessionPlan {
  std::uint64_t seed = 0;     ///< of block_schedule
  std::uint64_t session = 0;  ///< of block_schedule; another session has other labels
  std::size_t start = 0;      ///< index of its first trial
};

struct SessionOutcome {
  Findings findings;
  StopReason stopped = StopReason::kContinue;
  double elapsed_s = 0;
  State state = State::kSteady;
  Evidence evidence;                 ///< as the only cell of its study: p is not adjusted
  Verdict verdict = Verdict::kVoid;  ///< likewise
};

SessionOutcome replay_session(const Recording& recording, const SessionPlan& plan,
                              const Effect& effect, const Method& method, const StoppingRule& rule,
                              const Criteria& criteria);

}  // namespace tlblab::statistics
