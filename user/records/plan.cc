// SPDX-License-Identifier: GPL-2.0-only
// A plan as JSON.
#include "user/records/plan.hh"

#include <nlohmann/json.hpp>

namespace tlblab {

using nlohmann::json;

void to_json(json& to, const CellPlan& cell) {
  to = {{"id", cell.id},
        {"a", cell.a},
        {"b", cell.b},
        {"vmas", cell.shape.nr_vmas},
        {"pages", cell.shape.pages_per_vma},
        {"gap", cell.shape.gap_pages},
        {"responders", cell.nr_responders},
        {"role", name(cell.role)},
        {"headline", cell.headline},
        {"min_sessions", cell.min_sessions},
        {"width", cell.stopping.width},
        {"min_seconds", cell.stopping.min_seconds},
        {"max_seconds", cell.stopping.max_seconds}};
  // Only where they say something, so that a plan of the first version stays equal to its own.
  if (cell.nr_bystanders > 0) to["bystanders"] = cell.nr_bystanders;
  if (!cell.timed) to["timed"] = false;
  if (cell.needs_twin) to["needs_twin"] = true;
  if (!cell.twin.empty()) to["twin"] = cell.twin;
}

void from_json(const json& from, CellPlan& cell) {
  from.at("id").get_to(cell.id);
  from.at("a").get_to(cell.a);
  from.at("b").get_to(cell.b);
  from.at("vmas").get_to(cell.shape.nr_vmas);
  from.at("pages").get_to(cell.shape.pages_per_vma);
  from.at("gap").get_to(cell.shape.gap_pages);
  from.at("responders").get_to(cell.nr_responders);
  cell.nr_bystanders = from.value("bystanders", 0U);
  cell.role = from.at("role") == name(CellRole::kSame) ? CellRole::kSame : CellRole::kCompare;
  from.at("headline").get_to(cell.headline);
  cell.min_sessions = from.value("min_sessions", 1U);  // files of 0.1.0 may lack it
  cell.timed = from.value("timed", true);
  cell.needs_twin = from.value("needs_twin", false);
  cell.twin = from.value("twin", "");
  from.at("width").get_to(cell.stopping.width);
  from.at("min_seconds").get_to(cell.stopping.min_seconds);
  from.at("max_seconds").get_to(cell.stopping.max_seconds);
}

void to_json(json& to, const StudyPlan& plan) {
  to = {{"name", plan.name},
        {"question", plan.question},
        {"seed", plan.seed},
        {"sessions", plan.nr_sessions},
        {"count_trials", plan.count_trials},
        {"width", plan.criteria.width},
        {"equivalence", plan.criteria.equivalence},
        {"alpha", plan.criteria.alpha},
        {"cpus", plan.cpus},
        {"cells", plan.cells}};
  if (plan.session_gap_s > 0) to["session_gap_s"] = plan.session_gap_s;
}

void from_json(const json& from, StudyPlan& plan) {
  from.at("name").get_to(plan.name);
  from.at("question").get_to(plan.question);
  from.at("seed").get_to(plan.seed);
  from.at("sessions").get_to(plan.nr_sessions);
  from.at("count_trials").get_to(plan.count_trials);
  from.at("width").get_to(plan.criteria.width);
  from.at("equivalence").get_to(plan.criteria.equivalence);
  from.at("alpha").get_to(plan.criteria.alpha);
  from.at("cpus").get_to(plan.cpus);
  from.at("cells").get_to(plan.cells);
  plan.session_gap_s = from.value("session_gap_s", 0.0);
}

}  // namespace tlblab
