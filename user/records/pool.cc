// SPDX-License-Identifier: GPL-2.0-only
// Compares headers, and adds up sessions.
#include "user/records/pool.hh"

#include <cstddef>
#include <nlohmann/json.hpp>

#include "user/records/plan.hh"

namespace tlblab::records {
namespace {

nlohmann::json question_of(StudyPlan plan) {
  plan.seed = 0;
  plan.nr_sessions = 1;
  plan.session_gap_s = 0;  // follows the number of sessions
  for (CellPlan& cell : plan.cells) cell.min_sessions = 1;
  return plan;
}

bool same_but_for_flushes(const StudyHeader& one, const StudyHeader& other) {
  return one.version == other.version && one.machine.hostname == other.machine.hostname &&
         one.machine.kernel == other.machine.kernel &&
         one.machine.kernel_version == other.machine.kernel_version &&
         one.machine.cpu_model == other.machine.cpu_model &&
         question_of(one.plan) == question_of(other.plan);
}

}  // namespace

bool can_pool(const StudyHeader& one, const StudyHeader& other) {
  return same_but_for_flushes(one, other) &&
         differing_facts(one.machine.flushing, other.machine.flushing).empty();
}

std::vector<FactDifference> kept_apart_by(const StudyHeader& one, const StudyHeader& other) {
  if (!same_but_for_flushes(one, other)) return {};
  return differing_facts(one.machine.flushing, other.machine.flushing);
}

void pool(StudyPlan& to, const StudyPlan& more) {
  to.nr_sessions += more.nr_sessions;
  for (std::size_t i = 0; i < to.cells.size(); ++i) {
    to.cells[i].min_sessions += more.cells.at(i).min_sessions;
  }
}

}  // namespace tlblab::records
