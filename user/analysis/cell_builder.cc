// SPDX-License-Identifier: GPL-2.0-only
// Blocks to series, series to intervals, sessions to one estimate.
#include "user/analysis/cell_builder.hh"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <stdexcept>
#include <utility>

#include "user/analysis/account_check.hh"
#include "user/statistics/blocks.hh"

namespace tlblab {
namespace {

using statistics::ArmPair;
using statistics::SeriesEstimate;

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

}  // namespace

CellBuilder::CellBuilder(const CellPlan& plan)
    : a_(Arm::kA, plan.a, plan),
      b_(Arm::kB, plan.b, plan),
      first_block_s_(std::numeric_limits<double>::infinity()) {
  cell_.plan = plan;
}

void CellBuilder::begin(unsigned session, const records::SessionBegin& begin) {
  a_.expect(begin.expected[0]);
  b_.expect(begin.expected[1]);
  if (open_ && open_->session == session) return;  // a later run goes on with it
  close();
  open_.emplace();
  open_->session = session;
  open_->boot_id = begin.boot_id;
}

void CellBuilder::add(const records::Block& block) {
  OpenSession& open = this->open();
  if (!open.has_blocks) open.probed.start_s = block.time_s;
  open.has_blocks = true;
  open.probed.seconds = block.seconds;
  first_block_s_ = std::min(first_block_s_, block.time_s);
  cell_.alternated = cell_.alternated || block.alternated;
  for (const Trial& trial : block.trials) {
    a_.add(trial);
    b_.add(trial);
  }
  const std::size_t nr_operations = block.trials.size() / 2;
  a_.add_account(block.engine_accounts[0], nr_operations);
  b_.add_account(block.engine_accounts[1], nr_operations);
  if (!open.series.add(block)) {
    ++cell_.nr_dropped_blocks;
    return;
  }
  const ArmPair& medians = open.series.medians.back();
  cell_.blocks.push_back(
      {open.session, block.time_s, medians.a, medians.b, static_cast<double>(block.calibrator_ns)});
}

void CellBuilder::add(const records::CountTrial& trial) {
  ++cell_.nr_count_trials;
  a_.add(trial);
  b_.add(trial);
}

void CellBuilder::add(records::ProbeTrial&& trial) {
  open().probed.trials.push_back(std::move(trial));
}

void CellBuilder::end(const std::string& reason) {
  open().stop_reason = reason;
  ++nr_ended_;
}

OpenSession& CellBuilder::open() {
  if (!open_) throw std::runtime_error("it is of a cell that no process has begun");
  return *open_;
}

void CellBuilder::close() {
  if (!open_) return;
  if (!open_->series.empty()) add_series(*open_);
  probe_.add(open_->probed);
  open_.reset();
}

CellResult CellBuilder::finish(double origin_s) {
  close();
  if (cell_.sessions.empty() && cell_.nr_dropped_blocks == 0 && cell_.nr_count_trials == 0) {
    return std::move(cell_);
  }
  cell_.miscount = miscount_of(cell_.plan, a_.miscount(), b_.miscount());
  if (!cell_.plan.timed) cell_.untimed = "it was measured for its counts only";
  const bool responders = cell_.plan.nr_responders > 0;
  cell_.a = a_.finish(quantities_a_, responders, cell_.ecdf[0]);
  cell_.b = b_.finish(quantities_b_, responders, cell_.ecdf[1]);
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
  cell_.probe = probe_.finish();
  for (SessionResult& session : cell_.sessions) session.start_s -= origin_s;
  for (BlockPoint& block : cell_.blocks) block.time_s -= origin_s;
  return std::move(cell_);
}

void CellBuilder::add_series(const OpenSession& open) {
  const BlockSeries& series = open.series;
  const SeriesEstimate log_ratio =
      statistics::estimate_series(statistics::log_ratios(series.medians));
  const SessionExtent extent{open.probed.start_s, open.probed.seconds, series.medians.size(),
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
  boots_.push_back(open.boot_id);

  const std::size_t i = cell_.sessions.size();
  SessionResult session;
  session.session = open.session;
  session.start_s = extent.start_s;
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
  session.stop_reason = open.stop_reason.empty() ? "interrupted" : open.stop_reason;
  cell_.sessions.push_back(std::move(session));
}

/// What several sessions say beside their mean.
void CellBuilder::add_sessions_together() {
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

}  // namespace tlblab
