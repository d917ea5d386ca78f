// SPDX-License-Identifier: GPL-2.0-only
// From a cell's estimates to a word, and the reason for it.
#include "user/analysis/cell_analysis.hh"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numeric>

namespace tlblab {
namespace {

using statistics::State;
using statistics::Verdict;

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
