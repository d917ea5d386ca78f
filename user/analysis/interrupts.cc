// SPDX-License-Identifier: GPL-2.0-only
// The first event that both arms have, and the price by the best control there is.
#include "user/analysis/interrupts.hh"

#include <cmath>

namespace tlblab {
namespace {

/// The difference of two independent estimates.
Interval less(const Interval& from, const Interval& what) {
  const double estimate = from.estimate - what.estimate;
  return {estimate, estimate - std::hypot(from.estimate - from.low, what.high - what.estimate),
          estimate + std::hypot(from.high - from.estimate, what.estimate - what.low)};
}

Interval divided(const Interval& interval, double by) {
  Interval result{interval.estimate / by, interval.low / by, interval.high / by};
  if (by < 0) std::swap(result.low, result.high);
  return result;
}

}  // namespace

std::pair<double, std::string> interrupts_avoided(const CellResult& cell) {
  for (const char* event : {"TLB", "tlb_flush.remote"}) {
    const auto a = cell.a.responder_counts.find(event);
    const auto b = cell.b.responder_counts.find(event);
    if (a == cell.a.responder_counts.end() || b == cell.b.responder_counts.end()) continue;
    return {a->second.mean - b->second.mean, event};
  }
  return {0, ""};
}

const CellResult* control_without_responders(const std::vector<CellResult>& cells,
                                             const CellResult& cell) {
  const CellResult* idle = nullptr;
  for (const CellResult& other : cells) {
    if (other.plan.a != cell.plan.a || other.plan.b != cell.plan.b ||
        other.plan.shape != cell.plan.shape || other.plan.nr_responders > 0 ||
        cell.plan.nr_responders == 0 || !other.untimed.empty() ||
        !std::isfinite(other.difference_ns.estimate)) {
      continue;
    }
    if (other.plan.nr_bystanders == cell.plan.nr_responders) return &other;
    if (other.plan.nr_bystanders == 0) idle = &other;
  }
  return idle;
}

void price_interrupts(std::vector<CellResult>& cells) {
  for (CellResult& cell : cells) {
    const auto [avoided, source] = interrupts_avoided(cell);
    cell.interrupts_avoided = avoided;
    cell.interrupts_source = source;
    if (std::abs(avoided) < 0.5 || !std::isfinite(cell.difference_ns.estimate)) continue;
    const CellResult* control = control_without_responders(cells, cell);
    cell.price_basis = control == nullptr                 ? PriceBasis::kNoControl
                       : control->plan.nr_bystanders == 0 ? PriceBasis::kIdleControl
                                                          : PriceBasis::kBusyControl;
    cell.per_interrupt_ns = divided(
        control == nullptr ? cell.difference_ns : less(cell.difference_ns, control->difference_ns),
        avoided);
  }
}

}  // namespace tlblab
