// SPDX-License-Identifier: GPL-2.0-only
// One line for each doubt.
#include "user/report/document/caveats.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "user/analysis/cell_analysis.hh"
#include "user/report/document/format.hh"
#include "user/report/document/tables.hh"

namespace tlblab::report {
namespace {

constexpr const char* kNoTimes = "no time is claimed";

std::string sessions_line(const CellResult& cell) {
  if (cell.sessions.empty()) return "none is usable";
  const auto wandering = static_cast<std::size_t>(std::count_if(
      cell.sessions.begin(), cell.sessions.end(),
      [](const SessionResult& session) { return session.state == statistics::State::kWandering; }));
  const std::size_t all = cell.sessions.size();
  std::string line = fmt::format("what is said holds {}; {} of {} wandered", where(cell), wandering,
                                 plural(all, "session"));
  const std::size_t short_ones = all - cell.nr_sessions_counted;
  if (short_ones > 0) line += fmt::format(", {} too short to count", short_ones);
  if (cell.clusters) {
    const auto& [lower, upper] = *cell.clusters;
    line += fmt::format(
        "; they stand in two clusters with nothing between, {} at {}-{} and {} at {}-{}",
        lower.nr_sessions, ratio(lower.low), ratio(lower.high), upper.nr_sessions, ratio(upper.low),
        ratio(upper.high));
  }
  if (cell.next_session && std::isfinite(cell.next_session->high)) {
    line += fmt::format("; the next session's ratio will lie in [{}, {}]",
                        ratio(cell.next_session->low), ratio(cell.next_session->high));
  }
  return line;
}

std::string controls_line(const StudyResult& study, const CellResult& headline) {
  std::vector<std::string> controlled;
  for (const CellResult& cell : study.cells) {
    if (cell.plan.role == CellRole::kSame && cell.untimed.empty())
      controlled.push_back(cell.plan.a);
  }
  if (headline.plan.role == CellRole::kSame) return "this cell is one itself";
  if (controlled.empty()) return "none: nothing shows that the tool favours no arm";
  const auto has = [&](const std::string& scheme) {
    return std::find(controlled.begin(), controlled.end(), scheme) != controlled.end();
  };
  const bool a = has(headline.plan.a);
  const bool b = has(headline.plan.b);
  const std::string of = a && b ? "of both arms" : a ? "of A only" : b ? "of B only" : "of others";
  const double stray = std::expm1(study.control_stray);
  if (!std::isfinite(stray)) return of + ", one of them without an interval";
  return fmt::format("{}, none reaches further than {} from 1: {}", of, percent(stray),
                     study.controls_pass
                         ? "less than a third of the smallest effect claimed"
                         : "too far for small effects, so each claim had to clear that");
}

std::string account_line(const CellResult& cell) {
  const auto requests = [](const ArmResult& arm) {
    return arm.expected_requests ? count(*arm.expected_requests) : std::string("an unknown number");
  };
  return fmt::format("{}; flush requests due: {} under A, {} under B", account_verdict(cell).text,
                     requests(cell.a), requests(cell.b));
}

std::string extent_line(const StudyResult& study, const CellResult& cell) {
  std::string line = "pages per request A / B: " + extent_note(study, cell);
  const unsigned ceiling = study.flush_ceiling_pages;
  const auto past = [&](const ArmResult& arm) {
    return ceiling > 0 && arm.extent_pages && *arm.extent_pages > ceiling;
  };
  if (past(cell.a) != past(cell.b)) {
    line += "; so fewer requests and a full flush are not told apart here";
  }
  return line;
}

double share_apart(const ArmResult& arm) {
  const std::size_t apart = nr_apart(arm);
  const std::size_t all = apart + arm.nr_trials;
  return all == 0 ? 0 : static_cast<double>(apart) / static_cast<double>(all);
}

std::string left_out_line(const CellResult& cell) {
  std::string line = fmt::format("{} of A's trials and {} of B's were set apart",
                                 percent(share_apart(cell.a)), percent(share_apart(cell.b)));
  if (std::isfinite(cell.outside_ns.estimate)) {
    line += fmt::format("; outside its window A pays {} more than B",
                        duration_interval_signed(cell.outside_ns));
  }
  if (cell.alternated) return line + "; an early file, so memory past one call can't be seen";
  if (cell.outlasts_lead_in && cell.position) {
    line += fmt::format(
        "; what an arm leaves behind outlasts the lead-in: the second calls of a run say {} of "
        "what the fifth say",
        ratio_interval(*cell.position));
  }
  return line;
}

/// The value of a fact that the machine's description holds, or "not recorded".
std::string setting(const StudyResult& study, std::string_view name) {
  for (const FlushFact& fact : study.flushing) {
    if (fact.name == name) return fact.value;
  }
  for (const auto& [title, facts] : study.machine) {
    for (const auto& [label, value] : facts) {
      if (label == name) return value;
    }
  }
  return "not recorded";
}

std::string machine_line(const StudyResult& study) {
  std::string line = fmt::format(
      "{}; governor: {}; page-table isolation: {}; preemption: {}; kernel config: {:.12}",
      study.machine_kind, setting(study, "frequency governor"),
      setting(study, "page-table isolation"), setting(study, "preemption model"),
      setting(study, "config (sha256)"));
  for (const FlushFact& fact : study.flushing) {
    if (!changes_flushes(fact) || fact.name == "page-table isolation") continue;
    line += fmt::format("; {}: {}", fact.name, fact.value);
  }
  if (!study.trouble.empty()) {
    line += fmt::format("; trouble seen before a run: {}", fmt::join(study.trouble, ", "));
  }
  for (const std::string& lack : study.lacks) line += "; " + lack;
  return line;
}

}  // namespace

std::vector<Fact> caveats(const StudyResult& study) {
  const CellResult* cell = headline(study);
  if (cell == nullptr) return {};
  const bool timed = shows_time(study, *cell);
  return {{"sessions", timed ? sessions_line(*cell) : kNoTimes, ""},
          {"A/A controls", timed ? controls_line(study, *cell) : kNoTimes, ""},
          {"account", account_line(*cell), ""},
          {"flush extent", extent_line(study, *cell), ""},
          {"left out", timed ? left_out_line(*cell) : kNoTimes, ""},
          {"machine", machine_line(study), ""}};
}

}  // namespace tlblab::report
