// SPDX-License-Identifier: GPL-2.0-only
// One cell: blocks to series, series to intervals, sessions to one estimate.
#include "user/analysis/cell_analysis.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <span>

#include "user/analysis/account_check.hh"
#include "user/analysis/block_series.hh"
#include "user/analysis/quantity.hh"
#include "user/statistics/blocks.hh"

namespace tlblab {
namespace {

using statistics::ArmPair;
using statistics::SeriesEstimate;
using statistics::State;
using statistics::Verdict;

constexpr std::size_t kEcdfPoints = 400;

/// What is asked of each arm.
struct ArmQuantities {
  Quantity ln_latency;
  Quantity stolen;
};

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

  /// A block's sums over its operations, lead-ins too.
  void add_account(const Account& sums, std::size_t nr_operations) {
    account_check_.add(sums, nr_operations);
  }

  void add(const Trial& trial) {
    if (trial.arm != arm_ || trial.state == TrialState::kLeadIn) return;
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
    for (const auto& [term, count] : trial.engine_account) result_.engine_account[term].add(count);
    counts_.add(trial.counts);
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
    result_.latency_ns = exponential(quantities.ln_latency.claim());
    if (has_responders) result_.stolen_ns = linear(quantities.stolen.claim());
    if (!latencies_.empty()) {
      result_.interrupts_seen =
          static_cast<double>(interrupts_) / static_cast<double>(latencies_.size());
    }
    SideCounts counts = counts_.finish();
    result_.initiator_counts = std::move(counts.initiator);
    result_.responder_counts = std::move(counts.responders);
    result_.responder_spread = std::move(counts.spread);
    if (!counting_latencies_.empty()) {
      result_.counting_latency_ns = statistics::median_in_place(counting_latencies_);
    }
    return std::move(result_);
  }

 private:
  Arm arm_;
  bool timed_;
  ArmResult result_;
  AccountCheck account_check_;
  SideCountsBuilder counts_;
  std::size_t nr_counted_ = 0;
  std::vector<double> latencies_;
  std::vector<double> counting_latencies_;
  std::uint64_t interrupts_ = 0;
};

double median_of(std::vector<double> values) {
  return values.empty() ? 0 : statistics::median_in_place(values);
}

/// One arm's side of each pair.
std::vector<double> side_of(std::span<const ArmPair> pairs, double ArmPair::*side) {
  std::vector<double> values(pairs.size());
  std::transform(pairs.begin(), pairs.end(), values.begin(),
                 [side](const ArmPair& pair) { return pair.*side; });
  return values;
}

std::vector<double> logs(std::vector<double> values) {
  for (double& value : values) value = std::log(value);
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
    cell_.alternated = cell_.alternated || record.alternated;
    a_.expect(record.expected[0]);
    b_.expect(record.expected[1]);

    BlockSeries series;
    for (const records::Block& block : record.blocks) {
      for (const Trial& trial : block.trials) {
        a_.add(trial);
        b_.add(trial);
      }
      const std::size_t nr_operations = block.trials.size() / 2;
      a_.add_account(block.engine_accounts[0], nr_operations);
      b_.add_account(block.engine_accounts[1], nr_operations);
      if (!series.add(block)) {
        ++cell_.nr_dropped_blocks;
        continue;
      }
      const ArmPair& medians = series.medians.back();
      cell_.blocks.push_back({record.session, block.time_s - origin_s_, medians.a, medians.b,
                              static_cast<double>(block.calibrator_ns)});
    }
    for (const records::CountTrial& trial : record.counts) {
      a_.add(trial);
      b_.add(trial);
    }
    if (!series.empty()) add_session(record, series);
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
    if (cell_.miscount.empty()) cell_.miscount = contradiction_outside(cell_);
    cell_.evidence.typical = ln_ratio_.claim();
    cell_.evidence.mean = ln_mean_ratio_.claim();
    cell_.p_value = cell_.evidence.typical.p_value;
    cell_.ratio = exponential(cell_.evidence.typical);
    cell_.mean_ratio = exponential(*cell_.evidence.mean);
    cell_.tail_ratio = exponential(ln_tail_ratio_.claim());
    cell_.difference_ns = linear(difference_.claim());
    cell_.outside_ns = linear(outside_.claim());
    if (!cell_.alternated) {
      const statistics::Claim position = position_.claim();
      cell_.position = exponential(position);
      cell_.position_p = position.p_value;
    }
    cell_.smallest_detectable = std::expm1(statistics::smallest_detectable(ln_ratio_.se()));
    add_sessions_together();
    return std::move(cell_);
  }

 private:
  void add_session(const records::SessionRecord& record, const BlockSeries& series) {
    const SeriesEstimate log_ratio =
        statistics::estimate_series(statistics::log_ratios(series.medians));
    const SessionExtent extent{record.blocks.front().time_s, record.blocks.back().seconds,
                               series.medians.size(),
                               statistics::state_of(log_ratio, cell_.plan.stopping.width)};
    ln_ratio_.add_session(extent, statistics::log_ratios(series.medians));
    ln_mean_ratio_.add_session(extent, statistics::log_ratios(series.trimmed_means));
    ln_tail_ratio_.add_session(extent, statistics::log_ratios(series.tails));
    difference_.add_session(extent, statistics::differences(series.medians));
    outside_.add_session(extent, statistics::differences(series.outside));
    position_.add_session(extent, series.position);
    for (const auto& [arm, side] :
         {std::pair{&quantities_a_, &ArmPair::a}, {&quantities_b_, &ArmPair::b}}) {
      arm->ln_latency.add_session(extent, logs(side_of(series.medians, side)));
      arm->stolen.add_session(extent, side_of(series.stolen, side));
    }
    boots_.push_back(record.boot_id);

    const std::size_t i = cell_.sessions.size();
    SessionResult session;
    session.session = record.session;
    session.start_s = extent.start_s - origin_s_;
    session.seconds = extent.seconds;
    session.nr_blocks = extent.nr_blocks;
    session.ratio = exponential(ln_ratio_.claim_of_session(i));
    session.ln_ratio_mean = log_ratio.mean;
    session.difference_mean_ns = difference_.session(i).mean;
    session.level_a_ns = std::exp(quantities_a_.ln_latency.session(i).mean);
    session.level_b_ns = std::exp(quantities_b_.ln_latency.session(i).mean);
    session.calibrator_ns = median_of(series.calibrator_ns);
    session.rho = log_ratio.rho;
    session.state = extent.state;
    session.counts =
        statistics::counts({log_ratio.mean, extent.start_s, extent.seconds, extent.nr_blocks});
    session.stop_reason = record.stop_reason.empty() ? "interrupted" : record.stop_reason;
    cell_.sessions.push_back(std::move(session));
  }

  /// What several sessions say beside their mean.
  void add_sessions_together() {
    const statistics::SessionsEstimate all = ln_ratio_.over_sessions();
    cell_.state = ln_ratio_.state();
    cell_.scope = all.scope;
    cell_.nr_sessions_counted = all.nr_sessions;
    cell_.span_s = all.span_s;
    std::set<std::string> boots;
    std::vector<double> ratios;
    for (std::size_t i = 0; i < cell_.sessions.size(); ++i) {
      if (!cell_.sessions[i].counts) continue;
      boots.insert(boots_[i]);
      ratios.push_back(cell_.sessions[i].ln_ratio_mean);
    }
    if (!boots.empty() && !boots.contains("")) cell_.nr_boots = boots.size();
    if (all.nr_sessions < 2) return;
    const double reach = all.prediction_half_width(0.95);
    cell_.next_session =
        Interval{std::exp(all.mean), std::exp(all.mean - reach), std::exp(all.mean + reach)};
    constexpr double worth_saying = 0.01;
    cell_.clusters = statistics::clusters(ratios, std::log1p(worth_saying));
    if (!cell_.clusters) return;
    for (auto* range : {&cell_.clusters->lower, &cell_.clusters->upper}) {
      range->low = std::exp(range->low);
      range->high = std::exp(range->high);
    }
  }

  double origin_s_;
  CellResult cell_;
  ArmBuilder a_, b_;
  Quantity ln_ratio_, ln_mean_ratio_, ln_tail_ratio_, difference_, outside_, position_;
  std::vector<std::string> boots_;  ///< of each session; "" where not recorded
  ArmQuantities quantities_a_, quantities_b_;
};

double apart_share(const ArmResult& arm) {
  const auto apart = std::accumulate(arm.nr_apart.begin(), arm.nr_apart.end(), std::size_t{0});
  const std::size_t all = apart + arm.nr_trials;
  return all == 0 ? 0 : static_cast<double>(apart) / static_cast<double>(all);
}

std::string span_text(double seconds) {
  return seconds < 120    ? fmt::format("{:.0f} s", seconds)
         : seconds < 7200 ? fmt::format("{:.0f} min", seconds / 60)
                          : fmt::format("{:.1f} h", seconds / 3600);
}

/// Why the evidence gave the word it gave.
std::string reason_of(const CellResult& cell, const Criteria& criteria) {
  if (cell.scope == statistics::Scope::kNothing) {
    return fmt::format("no session has {} blocks and {:g} s of measuring, which one needs to count",
                       statistics::kMinBlocks, statistics::kMinSessionSeconds);
  }
  const double d = 100 * criteria.equivalence;
  const std::string bounds =
      cell.state == State::kWandering ? "range (the ratio wandered)" : "interval";
  switch (cell.verdict) {
    case Verdict::kDifferent:
      return fmt::format("the {} of the ratio of typical calls excludes 1 {} (adjusted p {:.2g})",
                         bounds, where(cell), cell.adjusted_p);
    case Verdict::kEquivalent:
      return fmt::format("the ratios of typical calls and of means both lie within +-{:.3g} % {}",
                         d, where(cell));
    case Verdict::kInconclusive:
      break;
    case Verdict::kVoid:
      return "";
  }
  const double limit = std::log1p(criteria.equivalence);
  const statistics::Claim::Bounds& typical = cell.evidence.typical.at90;
  if (typical.low > -limit && typical.high < limit) {
    return fmt::format(
        "typical calls are equivalent within {:.3g} % {}, but means were not shown to be: {:.3f} "
        "[{:.3f}, {:.3f}]",
        d, where(cell), cell.mean_ratio.estimate, cell.mean_ratio.low, cell.mean_ratio.high);
  }
  return fmt::format(
      "neither different nor equivalent within {:.3g} % could be shown {}; effects under {:.2g} % "
      "could not have been seen",
      d, where(cell), 100 * cell.smallest_detectable);
}

}  // namespace

CellResult analyse_cell(const CellPlan& plan, const records::CellRecord& record, double origin_s) {
  CellBuilder builder(plan, origin_s);
  for (const records::SessionRecord& session : record.sessions) builder.add(session);
  CellResult cell = builder.finish();
  cell.probe = analyse_probe(record.sessions);
  return cell;
}

std::string where(const CellResult& cell) {
  const std::size_t n = cell.nr_sessions_counted;
  const auto boots = [&]() -> std::string {
    if (!cell.nr_boots) return "boots not recorded";
    return *cell.nr_boots == 1 ? "one boot" : fmt::format("{} boots", *cell.nr_boots);
  };
  switch (cell.scope) {
    case statistics::Scope::kNothing:
      return "in no session that counts";
    case statistics::Scope::kThisSession:
      return "in this session";
    case statistics::Scope::kTheseSessions:
      return fmt::format("in these {} sessions, over {}, {}", n, span_text(cell.span_s), boots());
    case statistics::Scope::kMachine:
      return fmt::format("on this machine: {} sessions over {}, {}", n, span_text(cell.span_s),
                         boots());
  }
  return "";
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
  const std::array<double, 2> apart{apart_share(cell.a), apart_share(cell.b)};
  if (statistics::apart_voids(apart, cell.evidence.typical.estimate)) {
    cell.verdict = Verdict::kVoid;
    cell.verdict_reason = fmt::format(
        "{:.0f} % of A's trials and {:.0f} % of B's were set apart: what is left may not be what "
        "the arms do",
        100 * apart[0], 100 * apart[1]);
    return;
  }
  if (cell.sessions.empty()) {
    cell.verdict = Verdict::kVoid;
    cell.verdict_reason = "no block kept enough trials in both arms";
    return;
  }
  cell.evidence.adjusted_p = cell.adjusted_p;
  cell.verdict = statistics::judge(cell.evidence, criteria);
  cell.verdict_reason = reason_of(cell, criteria);
}

}  // namespace tlblab
