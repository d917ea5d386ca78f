// SPDX-License-Identifier: GPL-2.0-only
// Finds twins, hides what has none, and says whether the two agree.
#include "user/analysis/twins.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace tlblab {
namespace {

using statistics::Verdict;

/// A twin that flushes otherwise on this kernel is none. Empty when it is one.
std::string why_no_twin(const ArmResult& arm, const ArmResult& twin) {
  if (arm.scheme == twin.scheme || !arm.expected_requests || !twin.expected_requests ||
      *arm.expected_requests == *twin.expected_requests) {
    return "";
  }
  return fmt::format("this kernel's {} flushes {} times, not {}: it does not do the same",
                     twin.scheme, *twin.expected_requests, *arm.expected_requests);
}

void withhold_times(CellResult& cell) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Interval unknown{none, -infinity, infinity};
  for (ArmResult* arm : {&cell.a, &cell.b}) {
    arm->latency_ns = arm->stolen_ns = unknown;
    arm->quantiles = {none, none, none, none, none, none, none};
    arm->counting_latency_ns = 0;
  }
  cell.ratio = cell.mean_ratio = cell.tail_ratio = unknown;
  cell.difference_ns = cell.outside_ns = unknown;
  cell.position.reset();
  cell.next_session.reset();
  cell.clusters.reset();
  cell.evidence = {};
  cell.per_interrupt_ns.reset();
  cell.smallest_detectable = none;
  cell.p_value = cell.adjusted_p = cell.position_p = 1;
  cell.sessions.clear();
  cell.blocks.clear();
  cell.probe.clear();
  cell.ecdf = {};
}

bool is_decided(Verdict verdict) {
  return verdict == Verdict::kDifferent || verdict == Verdict::kEquivalent;
}

}  // namespace

std::string_view name(Agreement agreement) {
  constexpr std::array<std::string_view, 4> names = {"", "yes", "no", "not decided"};
  return names[static_cast<std::size_t>(agreement)];
}

void pair_twins(std::vector<CellResult>& cells) {
  for (CellResult& cell : cells) {
    if (!cell.plan.needs_twin) continue;
    if (cell.untimed.empty()) {
      const auto twin = std::find_if(cells.begin(), cells.end(), [&](const CellResult& other) {
        return !cell.plan.twin.empty() && other.plan.id == cell.plan.twin &&
               !other.sessions.empty();
      });
      if (twin == cells.end()) {
        cell.untimed = "the stock kernel's form of it was not measured beside it";
      } else {
        cell.untimed = why_no_twin(cell.a, twin->a);
        if (cell.untimed.empty()) cell.untimed = why_no_twin(cell.b, twin->b);
        if (cell.untimed.empty()) cell.twin = static_cast<std::size_t>(twin - cells.begin());
      }
    }
    if (!cell.untimed.empty()) withhold_times(cell);
  }
}

Agreement agreement_of(const CellResult& cell, const CellResult& twin) {
  if (!is_decided(cell.verdict) || !is_decided(twin.verdict)) return Agreement::kOpen;
  if (cell.verdict != twin.verdict) return Agreement::kNo;
  const bool same_side = (cell.ratio.estimate > 1) == (twin.ratio.estimate > 1);
  return cell.verdict == Verdict::kEquivalent || same_side ? Agreement::kYes : Agreement::kNo;
}

void judge_agreement(std::vector<CellResult>& cells) {
  for (CellResult& cell : cells) {
    if (!cell.twin || cell.plan.role != CellRole::kCompare) continue;
    cell.agreement = agreement_of(cell, cells.at(*cell.twin));
  }
}

}  // namespace tlblab
