// SPDX-License-Identifier: GPL-2.0-only
// Finds or adds the cell of the twins.
#include "user/experiment/twins.hh"

#include <algorithm>

#include "user/engine/registry.hh"

namespace tlblab {
namespace {

/// The scheme itself where its times stand alone, else its twin, which may be none.
std::string stock_form(const SchemeRef& ref) {
  return ref.engine->times_stand_alone() ? ref.full_name() : ref.scheme->twin();
}

CellPlan twin_of(const CellPlan& cell, const std::string& a, const std::string& b) {
  CellPlan twin = cell;
  twin.a = a;
  twin.b = b;
  twin.id = cell_id(a, b, cell.shape, cell.nr_responders, cell.nr_bystanders);
  twin.role = a == b ? CellRole::kSame : CellRole::kCompare;
  twin.headline = false;
  twin.needs_twin = false;
  return twin;
}

}  // namespace

void add_twins(StudyPlan& plan) {
  const std::size_t nr_cells = plan.cells.size();  // twins need none themselves
  for (std::size_t i = 0; i < nr_cells; ++i) {
    const SchemeRef a = parse_scheme(plan.cells[i].a);
    const SchemeRef b = parse_scheme(plan.cells[i].b);
    if (a.engine->times_stand_alone() && b.engine->times_stand_alone()) continue;
    plan.cells[i].needs_twin = true;
    const std::string stock_a = stock_form(a);
    const std::string stock_b = stock_form(b);
    if (stock_a.empty() || stock_b.empty()) plan.cells[i].timed = false;
    if (!plan.cells[i].timed) continue;
    CellPlan twin = twin_of(plan.cells[i], stock_a, stock_b);
    plan.cells[i].twin = twin.id;
    const auto known = std::find_if(plan.cells.begin(), plan.cells.end(),
                                    [&](const CellPlan& cell) { return cell.id == twin.id; });
    if (known == plan.cells.end()) {
      plan.cells.push_back(std::move(twin));
    } else {
      known->timed = true;
      known->min_sessions = std::max(known->min_sessions, twin.min_sessions);
    }
  }
}

}  // namespace tlblab
