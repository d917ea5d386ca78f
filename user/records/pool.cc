// SPDX-License-Identifier: GPL-2.0-only
// Compares headers, and renumbers sessions.
#include "user/records/pool.hh"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

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

}  // namespace

bool can_pool(const StudyHeader& one, const StudyHeader& other) {
  return one.version == other.version && one.machine.hostname == other.machine.hostname &&
         one.machine.kernel == other.machine.kernel &&
         one.machine.kernel_version == other.machine.kernel_version &&
         one.machine.cpu_model == other.machine.cpu_model &&
         question_of(one.plan) == question_of(other.plan);
}

void pool(StudyFile& to, StudyFile&& more) {
  unsigned last = 0;
  for (const CellRecord& cell : to.cells) {
    if (!cell.sessions.empty()) last = std::max(last, cell.sessions.back().session);
  }
  for (std::size_t i = 0; i < more.cells.size(); ++i) {
    for (SessionRecord& session : more.cells[i].sessions) {
      session.session += last;
      to.cells.at(i).sessions.push_back(std::move(session));
    }
    CellPlan& plan = to.header.plan.cells.at(i);
    plan.min_sessions += more.header.plan.cells.at(i).min_sessions;
  }
  to.header.plan.nr_sessions += more.header.plan.nr_sessions;
  to.later_runs.push_back(more.header);
  std::move(more.later_runs.begin(), more.later_runs.end(), std::back_inserter(to.later_runs));
  std::move(more.warnings.begin(), more.warnings.end(), std::back_inserter(to.warnings));
}

}  // namespace tlblab::records
