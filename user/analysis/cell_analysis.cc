// SPDX-License-Identifier: GPL-2.0-only
// One cell: blocks to series, series to intervals, sessions to one estimate.
#include "user/analysis/cell_analysis.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "user/analysis/account_check.hh"
#include "user/analysis/interrupts.hh"
#include "user/statistics/blocks.hh"

namespace tlblab {
namespace {

using statistics::BlockMedians;
using statistics::SeriesEstimate;
using statistics::Verdict;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kEcdfPoints = 400;

/// The series of one quantity in each session, and its estimate over all of them.
class Quantity {
 public:
  void add_session(std::span<const double> values) {
    estimates_.push_back(statistics::estimate_series(values));
  }
  [[nodiscard]] const SeriesEstimate& session(std::size_t i) const { return estimates_.at(i); }

  [[nodiscard]] statistics::SessionsEstimate over_sessions() const {
    std::vector<double> means;
    for (const SeriesEstimate& estimate : estimates_) means.push_back(estimate.mean);
    return statistics::across_sessions(means);
  }
  /// Not a number without a session, like everything made from it.
  [[nodiscard]] double mean() const {
    return estimates_.size() == 1 ? estimates_.front().mean : over_sessions().mean;
  }
  [[nodiscard]] double half_width(double confidence) const {
    return estimates_.size() == 1 ? estimates_.front().half_width(confidence)
                                  : over_sessions().half_width(confidence);
  }
  [[nodiscard]] double se() const {
    return estimates_.size() == 1 ? estimates_.front().se : over_sessions().se;
  }
  [[nodiscard]] double p_value() const {
    return estimates_.size() == 1 ? estimates_.front().p_value(0) : over_sessions().p_value(0);
  }

 private:
  std::vector<SeriesEstimate> estimates_;
};

Interval linear(double mean, double half_width) {
  if (!std::isfinite(half_width)) return {mean, -kInfinity, kInfinity};
  return {mean, mean - half_width, mean + half_width};
}

Interval exponential(double mean, double half_width) {
  if (!std::isfinite(half_width)) return {std::exp(mean), 0, kInfinity};
  return {std::exp(mean), std::exp(mean - half_width), std::exp(mean + half_width)};
}

Interval linear(const Quantity& quantity) {
  return linear(quantity.mean(), quantity.half_width(0.95));
}
Interval exponential(const Quantity& quantity) {
  return exponential(quantity.mean(), quantity.half_width(0.95));
}

/// What is asked of each arm.
struct ArmQuantities {
  Quantity ln_latency;
  Quantity stolen;
};

std::uint64_t total_stolen_ns(const Trial& trial) {
  return std::accumulate(trial.responders.begin(), trial.responders.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& r) { return sum + r.stolen_ns; });
}

/// Median over an arm's usable trials of what the responders lost.
double median_stolen_ns(const records::Block& block, Arm arm) {
  std::vector<double> stolen;
  for (const Trial& trial : block.trials) {
    if (trial.arm == arm && trial.state == TrialState::kOk) {
      stolen.push_back(static_cast<double>(total_stolen_ns(trial)));
    }
  }
  return statistics::median_in_place(stolen);
}

Quantiles quantiles_of(const std::vector<double>& sorted) {
  if (sorted.empty()) return {};
  const auto at = [&](double share) {
    return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
  };
  return {at(0.05), at(0.25), at(0.50), at(0.75), at(0.95), at(0.99), sorted.back()};
}

std::vector<std::pair<double, double>> thinned_ecdf(const std::vector<double>& sorted) {
  std::vector<std::pair<double, double>> points;
  const std::size_t n = sorted.size();
  for (std::size_t i = 0; i < std::min(n, kEcdfPoints); ++i) {
    // Steps even in probability, the first and last value kept: that is where the tails are.
    const std::size_t rank = n <= kEcdfPoints ? i : i * (n - 1) / (kEcdfPoints - 1);
    points.emplace_back(sorted[rank], static_cast<double>(rank + 1) / static_cast<double>(n));
  }
  return points;
}

/// Gathers one arm over all sessions.
class ArmBuilder {
 public:
  ArmBuilder(Arm arm, const std::string& scheme, const CellPlan& plan)
      : arm_(arm), timed_(plan.timed) {
    result_.scheme = scheme;
  }

  void expect(const Expectation& expected) {
    result_.expected_requests = expected.requests;
    result_.extent_pages = expected.extent_pages;
    result_.expectation_note = expected.note;
    result_.expected_account = expected.account;
  }

  /// A block's sums.
  void add_account(const Account& sums) { account_check_.add(sums, kTrialsPerArm); }

  void add(const Trial& trial) {
    if (trial.arm != arm_) return;
    if (trial.state != TrialState::kOk) {
      ++result_.nr_apart[static_cast<std::size_t>(trial.state)];
      return;
    }
    latencies_.push_back(static_cast<double>(trial.latency_ns));
    for (const auto& responder : trial.responders) interrupts_ += responder.interrupts;
  }

  void add(const records::CountTrial& trial) {
    if (trial.arm != arm_) return;
    account_check_.add(trial.engine_account, 1);  // requests owe nothing to what responders did
    const bool is_ok = trial.state == TrialState::kOk;
    // Where times are shown, counts speak of the same kind of trial. A cell of counts alone keeps
    // all: a responder that was away can only have made deliveries fewer.
    if (!is_ok && timed_) return;
    if (!is_ok) ++result_.nr_apart[static_cast<std::size_t>(trial.state)];
    if (is_ok) ++nr_counted_;
    counting_latencies_.push_back(static_cast<double>(trial.latency_ns));
    for (const auto& [term, count] : trial.engine_account)
      add_count(result_.engine_account[term], count);
    if (trial.counts.empty()) return;
    for (const auto& [event, count] : trial.counts.front()) {
      add_count(result_.initiator_counts[event], count);
    }
    Counts sum;
    for (std::size_t i = 1; i < trial.counts.size(); ++i) {
      for (const auto& [event, count] : trial.counts[i]) sum[event] += count;
    }
    for (const auto& [event, count] : sum) add_count(result_.responder_counts[event], count);
  }

  /// What the account has that it must not, over every operation; empty: nothing.
  [[nodiscard]] std::string miscount() const {
    return account_check_.miscount(result_.expected_account);
  }

  ArmResult finish(const ArmQuantities& quantities, bool has_responders,
                   std::vector<std::pair<double, double>>& ecdf) {
    std::sort(latencies_.begin(), latencies_.end());
    result_.quantiles = quantiles_of(latencies_);
    ecdf = thinned_ecdf(latencies_);
    result_.nr_trials = timed_ ? latencies_.size() : nr_counted_;
    result_.latency_ns = exponential(quantities.ln_latency);
    if (has_responders) result_.stolen_ns = linear(quantities.stolen);
    if (!latencies_.empty()) {
      result_.interrupts_seen =
          static_cast<double>(interrupts_) / static_cast<double>(latencies_.size());
    }
    if (!counting_latencies_.empty()) {
      result_.counting_latency_ns = statistics::median_in_place(counting_latencies_);
    }
    return std::move(result_);
  }

 private:
  static void add_count(CountMean& mean, std::uint64_t count) {
    mean.min = mean.nr_trials == 0 ? count : std::min(mean.min, count);
    mean.max = std::max(mean.max, count);
    ++mean.nr_trials;
    mean.mean += (static_cast<double>(count) - mean.mean) / static_cast<double>(mean.nr_trials);
  }

  Arm arm_;
  bool timed_;
  ArmResult result_;
  AccountCheck account_check_;
  std::size_t nr_counted_ = 0;
  std::vector<double> latencies_;
  std::vector<double> counting_latencies_;
  std::uint64_t interrupts_ = 0;
};

double median_of(std::vector<double> values) {
  return values.empty() ? 0 : statistics::median_in_place(values);
}

std::vector<double> logs(const std::vector<BlockMedians>& blocks, double BlockMedians::*side) {
  std::vector<double> values(blocks.size());
  std::transform(blocks.begin(), blocks.end(), values.begin(),
                 [side](const BlockMedians& block) { return std::log(block.*side); });
  return values;
}

/// The running analysis of one cell.
class CellBuilder {
 public:
  CellBuilder(const CellPlan& plan, double origin_s)
      : origin_s_(origin_s), a_(Arm::kA, plan.a, plan), b_(Arm::kB, plan.b, plan) {
    cell_.plan = plan;
  }

  void add(const records::SessionRecord& record) {
    cell_.nr_interrupted_trials += record.nr_interrupted_trials;
    cell_.nr_count_trials += record.counts.size();
    a_.expect(record.expected.front());
    b_.expect(record.expected.back());
    std::vector<BlockMedians> medians;
    std::vector<double> stolen_a, stolen_b, calibrators;
    for (const records::Block& block : record.blocks) {
      for (const Trial& trial : block.trials) {
        a_.add(trial);
        b_.add(trial);
      }
      a_.add_account(block.engine_accounts[0]);
      b_.add_account(block.engine_accounts[1]);
      const auto usable = statistics::usable_medians(block.trials);
      if (!usable) {
        ++cell_.nr_dropped_blocks;
        continue;
      }
      medians.push_back(*usable);
      stolen_a.push_back(median_stolen_ns(block, Arm::kA));
      stolen_b.push_back(median_stolen_ns(block, Arm::kB));
      calibrators.push_back(static_cast<double>(block.calibrator_ns));
      cell_.blocks.push_back({record.session, block.time_s - origin_s_, usable->a, usable->b,
                              static_cast<double>(block.calibrator_ns)});
    }
    for (const records::CountTrial& trial : record.counts) {
      a_.add(trial);
      b_.add(trial);
    }
    if (medians.empty()) return;

    ln_ratio_.add_session(statistics::log_ratios(medians));
    difference_.add_session(statistics::differences(medians));
    quantities_a_.ln_latency.add_session(logs(medians, &BlockMedians::a));
    quantities_b_.ln_latency.add_session(logs(medians, &BlockMedians::b));
    quantities_a_.stolen.add_session(stolen_a);
    quantities_b_.stolen.add_session(stolen_b);
    add_session(record, medians.size(), std::move(calibrators));
  }

  CellResult finish() {
    if (cell_.sessions.empty() && cell_.nr_dropped_blocks == 0 && cell_.nr_count_trials == 0) {
      return std::move(cell_);
    }
    cell_.miscount = miscount_of(cell_.plan, a_.miscount(), b_.miscount());
    if (!cell_.plan.timed) cell_.untimed = "it was measured for its counts only";
    const bool responders = cell_.plan.nr_responders > 0;
    cell_.a = a_.finish(quantities_a_, responders, cell_.ecdf[0]);
    cell_.b = b_.finish(quantities_b_, responders, cell_.ecdf[1]);
    cell_.ratio = exponential(ln_ratio_);
    cell_.difference_ns = linear(difference_);
    cell_.p_value = ln_ratio_.p_value();
    cell_.ratio_90 = exponential(ln_ratio_.mean(), ln_ratio_.half_width(0.90));
    cell_.smallest_detectable = std::expm1(statistics::smallest_detectable(ln_ratio_.se()));
    add_per_interrupt();
    return std::move(cell_);
  }

 private:
  void add_session(const records::SessionRecord& record, std::size_t nr_blocks,
                   std::vector<double> calibrators) {
    const std::size_t i = cell_.sessions.size();
    const SeriesEstimate& log_ratio = ln_ratio_.session(i);
    SessionResult session;
    session.session = record.session;
    session.start_s = record.blocks.front().time_s - origin_s_;
    session.seconds = record.blocks.back().seconds;
    session.nr_blocks = nr_blocks;
    session.ratio = exponential(log_ratio.mean, log_ratio.half_width(0.95));
    session.ln_ratio_mean = log_ratio.mean;
    session.difference_mean_ns = difference_.session(i).mean;
    session.level_a_ns = std::exp(quantities_a_.ln_latency.session(i).mean);
    session.level_b_ns = std::exp(quantities_b_.ln_latency.session(i).mean);
    session.calibrator_ns = median_of(std::move(calibrators));
    session.rho = log_ratio.rho;
    session.unstable = !statistics::is_steady(log_ratio, cell_.plan.stopping.width);
    session.stop_reason = record.stop_reason.empty() ? "interrupted" : record.stop_reason;
    cell_.sessions.push_back(std::move(session));
  }

  void add_per_interrupt() {
    const auto [avoided, source] = interrupts_avoided(cell_);
    cell_.interrupts_avoided = avoided;
    cell_.interrupts_source = source;
    if (std::abs(avoided) < 0.5) return;
    const Interval& d = cell_.difference_ns;
    Interval per{d.estimate / avoided, d.low / avoided, d.high / avoided};
    if (avoided < 0) std::swap(per.low, per.high);
    cell_.per_interrupt_ns = per;
  }

  double origin_s_;
  CellResult cell_;
  ArmBuilder a_, b_;
  Quantity ln_ratio_, difference_;
  ArmQuantities quantities_a_, quantities_b_;
};

double apart_share(const ArmResult& arm) {
  const auto apart = std::accumulate(arm.nr_apart.begin(), arm.nr_apart.end(), std::size_t{0});
  const std::size_t all = apart + arm.nr_trials;
  return all == 0 ? 0 : static_cast<double>(apart) / static_cast<double>(all);
}

/// Which of the two signs, in how many sessions.
std::string why_unstable(const CellResult& cell) {
  std::size_t wide = 0;
  std::size_t dependent = 0;
  double rho = 0;
  for (const SessionResult& session : cell.sessions) {
    if (session.rho > statistics::kRhoUnstable) {
      ++dependent;
      rho = std::max(rho, session.rho);
    } else if (session.unstable) {
      ++wide;
    }
  }
  std::string why = "the machine did not hold still:";
  if (dependent > 0) {
    why += fmt::format(
        " in {} of {} sessions the ratio wandered (lag-1 correlation of its batches up to {:.2f}, "
        "limit {})",
        dependent, cell.sessions.size(), rho, statistics::kRhoUnstable);
  }
  if (wide > 0) {
    why += fmt::format("{} in {} of {} sessions the interval missed +-{:.3g} % in the time allowed",
                       dependent > 0 ? "," : "", wide, cell.sessions.size(),
                       100 * cell.plan.stopping.width);
  }
  return why;
}

std::string where(const CellResult& cell) {
  const std::size_t n = cell.sessions.size();
  if (n == 1) return "in this session";
  const auto unsteady = std::count_if(cell.sessions.begin(), cell.sessions.end(),
                                      [](const SessionResult& s) { return s.unstable; });
  return fmt::format("over {} sessions{}{}", n, n >= statistics::kSessionsForClaim ? "" : " only",
                     unsteady == 0 ? "" : fmt::format(", {} of them unstable alone", unsteady));
}

}  // namespace

CellResult analyse_cell(const CellPlan& plan, const records::CellRecord& record, double origin_s) {
  CellBuilder builder(plan, origin_s);
  for (const records::SessionRecord& session : record.sessions) builder.add(session);
  return builder.finish();
}

void judge_cell(CellResult& cell, const Criteria& criteria) {
  if (!cell.miscount.empty()) {
    cell.verdict = Verdict::kVoid;
    cell.verdict_reason = cell.miscount;
    return;
  }
  if (!cell.untimed.empty()) {
    cell.verdict = Verdict::kInconclusive;
    cell.verdict_reason = "no time is claimed: " + cell.untimed;
    return;
  }
  const double apart = std::max(apart_share(cell.a), apart_share(cell.b));
  if (apart > kMaxApartShare) {
    cell.verdict = Verdict::kVoid;
    cell.verdict_reason = fmt::format(
        "{:.0f} % of an arm's trials were set apart: the responders did not run as they must",
        100 * apart);
    return;
  }
  if (cell.sessions.empty()) {
    cell.verdict = Verdict::kVoid;
    cell.verdict_reason = "no block kept enough trials in both arms";
    return;
  }
  const auto unsteady = std::count_if(cell.sessions.begin(), cell.sessions.end(),
                                      [](const SessionResult& s) { return s.unstable; });
  // Over many sessions the spread of their means is the evidence, and holds what made single ones
  // unstable. Over a few it can't, so most of them must have held still.
  const std::size_t nr_sessions = cell.sessions.size();
  const bool steady = nr_sessions >= statistics::kSessionsForClaim ||
                      2 * static_cast<std::size_t>(unsteady) < nr_sessions;
  cell.verdict = statistics::judge(
      {steady, std::log(cell.ratio_90.low), std::log(cell.ratio_90.high), cell.adjusted_p},
      criteria);
  switch (cell.verdict) {
    case Verdict::kDifferent:
      cell.verdict_reason = fmt::format("the ratio's interval excludes 1 {} (adjusted p {:.2g})",
                                        where(cell), cell.adjusted_p);
      break;
    case Verdict::kEquivalent:
      cell.verdict_reason = fmt::format("the ratio's 90 % interval lies within +-{:.3g} % {}",
                                        100 * criteria.equivalence, where(cell));
      break;
    case Verdict::kInconclusive:
      cell.verdict_reason = fmt::format(
          "neither different nor equivalent within {:.3g} % could be shown {}; effects under "
          "{:.2g} % could not have been seen",
          100 * criteria.equivalence, where(cell), 100 * cell.smallest_detectable);
      break;
    case Verdict::kUnstable:
      cell.verdict_reason = why_unstable(cell);
      break;
    case Verdict::kVoid:
      break;
  }
}

}  // namespace tlblab
