// SPDX-License-Identifier: GPL-2.0-only
// From the trials of a result file to what a report says. All numbers of every report come from
// here; nothing is taken from what an earlier run concluded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "user/analysis/distance.hh"
#include "user/analysis/probe.hh"
#include "user/analysis/run_description.hh"
#include "user/analysis/shootdown.hh"
#include "user/analysis/side_counts.hh"
#include "user/model/account.hh"
#include "user/model/interval.hh"
#include "user/model/plan.hh"
#include "user/model/trial.hh"
#include "user/statistics/verdict.hh"

namespace tlblab {

/// Pooled quantiles of one arm's trials, in ns: descriptive, no interval.
struct Quantiles {
  double p5 = 0, p25 = 0, p50 = 0, p75 = 0, p95 = 0, p99 = 0, max = 0;
};

/// One arm of one cell. Of a cell of counts only, trials are those of the counting pass, and the
/// counts are of all of them, set-apart ones too.
struct ArmResult {
  std::string scheme;          ///< full name
  Interval latency_ns;         ///< exp(mean of ln block medians)
  Quantiles quantiles;         ///< of all usable trials, all sessions
  Interval stolen_ns;          ///< per operation, summed over responders
  double interrupts_seen = 0;  ///< mean gaps seen per operation, summed over responders
  std::size_t nr_trials = 0;   ///< usable
  std::array<std::size_t, kTrialStates> nr_apart{};  ///< by TrialState; [kOk] is 0
  CountMeans initiator_counts;
  CountMeans responder_counts;  ///< summed over responders, of trials in which all of them counted
  std::map<std::string, ResponderSpread> responder_spread;  ///< by event
  CountMeans engine_account;       ///< empty when the engine counts nothing; times only where shown
  double counting_latency_ns = 0;  ///< pooled median in the counting pass: perturbation
  std::optional<std::uint64_t> expected_requests;
  std::optional<std::uint64_t> extent_pages;  ///< of one request, as the engine expects
  std::string expectation_note;
  Account expected_account;  ///< terms of `engine_account` that must be just so in every operation
};

/// One session of one cell.
struct SessionResult {
  unsigned session = 0;  ///< 1-based
  double start_s = 0;    ///< since the study's first trial
  double seconds = 0;    ///< of measuring
  std::size_t nr_blocks = 0;
  Interval ratio;            ///< within this session
  double ln_ratio_mean = 0;  ///< enters the across-session estimate
  double difference_mean_ns = 0;
  double level_a_ns = 0;  ///< exp(mean ln block median)
  double level_b_ns = 0;
  double calibrator_ns = 0;  ///< median over blocks; 0 when the cell has no responder
  double rho = 0;
  statistics::State state = statistics::State::kWandering;
  bool counts = false;      ///< long enough to enter the estimate over sessions
  std::string stop_reason;  ///< "width", "time", or "interrupted"
};

/// One block, for the time series: (seconds since the study's first trial, medians, calibrator).
struct BlockPoint {
  unsigned session = 0;
  double time_s = 0;
  double a_ns = 0;
  double b_ns = 0;
  double calibrator_ns = 0;
};

/// Whether the stock kernel, seen from outside, gives the same answer as the lab.
enum class Agreement {
  kNone,  ///< nothing to agree with
  kYes,   ///< both different, the same one faster; or both equivalent
  kNo,    ///< both decided, and not so
  kOpen,  ///< one of them is not decided
};
std::string_view name(Agreement agreement);  ///< "yes", "no", "not decided", or ""

/// What an interrupt's price was found without. Only with the first is it a price; else it is an
/// upper bound, because idle CPUs are another machine than working ones, or because all that
/// remains without responders is in it.
enum class PriceBasis {
  kBusyControl,  ///< less the difference with as many CPUs busy elsewhere
  kIdleControl,  ///< less the difference with the other CPUs idle
  kNoControl,    ///< less nothing
};

struct CellResult {
  CellPlan plan;
  std::vector<ResponderDistance> distances;  ///< of the responders from the initiator
  Shootdown shootdown;                       ///< the machine's
  std::string untimed;  ///< why no time of this cell may be shown; empty: they may
  /// Counts that contradict what is due, of the engine's own account or seen from outside; empty:
  /// none.
  std::string miscount;
  std::optional<std::size_t> twin;  ///< index into StudyResult::cells
  Agreement agreement = Agreement::kNone;
  ArmResult a;
  ArmResult b;
  std::vector<SessionResult> sessions;
  std::vector<BlockPoint> blocks;
  std::vector<ProbePoint> probe;  ///< what victims lose after the window; empty: not measured
  /// Thinned ECDF per arm: (latency_ns, cumulative share), at most ~400 points, tails kept.
  std::array<std::vector<std::pair<double, double>>, 2> ecdf;

  /// Of typical calls: A/B of medians, over the means of the sessions that count, or within the one
  /// that does. Of a cell that wanders the bounds are wider: statistics::claim_of().
  Interval ratio;
  Interval mean_ratio;     ///< of trimmed means, likewise
  Interval tail_ratio;     ///< of 99th percentiles; without bounds in short sessions
  Interval difference_ns;  ///< A - B of medians
  /// What A pays more than B outside its window, from its end to the next trial's start.
  Interval outside_ns;
  /// The ratio from the second trials of the runs over that from the fifth: 1 unless what an arm
  /// leaves behind lasts longer than a run's lead-in. Absent where trials alternated.
  std::optional<Interval> position;
  double position_p = 1;          ///< of "it is 1", after Holm over the study's cells
  bool outlasts_lead_in = false;  ///< it is not 1: position_p <= alpha
  bool alternated = false;        ///< an early file's schedule: one lead-in before one trial
  statistics::State state = statistics::State::kWandering;
  statistics::Scope scope = statistics::Scope::kNothing;
  std::size_t nr_sessions_counted = 0;
  double span_s = 0;                             ///< from the first of these starts to the last
  std::optional<std::size_t> nr_boots;           ///< in which they lie; absent: not recorded
  std::optional<Interval> next_session;          ///< the ratio, where the next session's will lie
  std::optional<statistics::Clusters> clusters;  ///< of the sessions' ratios, where there are two
  statistics::Evidence evidence;                 ///< what the verdict is found from, in logs
  /// What responders cost the caller, per interrupt avoided; if counted.
  std::optional<Interval> per_interrupt_ns;
  PriceBasis price_basis = PriceBasis::kNoControl;
  double interrupts_avoided = 0;  ///< per operation, handled on responders, A - B
  /// The event that figure came from, a key of responder_counts; empty when none was counted.
  std::string interrupts_source;
  double smallest_detectable = 0;  ///< relative, e.g. 0.012 for 1.2 %
  double p_value = 1;
  double adjusted_p = 1;  ///< Holm over the study's cells
  statistics::Verdict verdict = statistics::Verdict::kInconclusive;
  std::string verdict_reason;             ///< one sentence in words, names what decided
  std::size_t nr_interrupted_trials = 0;  ///< of unfinished blocks: kept in the file, not used
  std::size_t nr_dropped_blocks = 0;      ///< too few usable trials left in an arm
  std::size_t nr_count_trials = 0;        ///< of both arms, set-apart ones included
};

struct StudyResult : RunDescription {
  StudyPlan plan;
  std::map<std::string, std::string> summaries;  ///< of schemes, by full name; may lack some
  std::vector<std::pair<std::string, std::string>> counters_missing;  ///< event, reason
  std::map<std::string, std::string> counters;  ///< event that could be counted, by what
  /// Ceiling of the measured machine past which a ranged flush becomes a full one; 0: unknown.
  unsigned flush_ceiling_pages = 0;
  std::vector<std::string> lacks;  ///< what the rules need that the file does not hold, in words
  /// The farthest that an A/A control's interval reaches from 1, in logs; 0 without a control.
  double control_stray = 0;
  /// It is within a third of the smallest effect claimed.
  bool controls_pass = false;
  bool complete = false;          ///< every cell of every session ended
  std::size_t nr_steps_done = 0;  ///< cells x sessions that ended, of nr_steps
  std::size_t nr_steps = 0;
  std::vector<CellResult> cells;  ///< in plan order; cells of which nothing is there are left out
};

/// Whether a time of this cell may be shown; and whether any cell's may.
bool shows_time(const StudyResult& study, const CellResult& cell);
bool shows_time(const StudyResult& study);

/// Cells whose own account contradicts what it must be.
std::size_t nr_miscounted(const StudyResult& study);

/// Reads and analyses one result file (plain or .gz). Throws Error(kUsage) on a file that is not
/// tlblab's, is damaged, or has a newer schema; says which line.
StudyResult analyse_file(const std::string& path);
/// The same of files whose sessions can be pooled (records::can_pool), at least one.
StudyResult analyse_files(std::span<const std::string> paths);

/// The cell the answer speaks of: among those that show time, if any do, the one marked headline,
/// else the largest compare cell with responders, else the first. Null only when there is no cell.
const CellResult* headline(const StudyResult& study);

}  // namespace tlblab
