// SPDX-License-Identifier: GPL-2.0-only
// Tables about the headline cell, and about the machine.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "include/tlblab/catalogue.hh"
#include "user/report/document/account.hh"
#include "user/report/document/format.hh"
#include "user/report/document/probe.hh"
#include "user/report/document/tables.hh"

namespace tlblab::report {
namespace {

std::string arm_label(char letter, const ArmResult& arm, const Labels& labels) {
  return fmt::format("{}: {}", letter, labels.scheme(arm.scheme));
}

std::string per_responder(const CellResult& cell, const ArmResult& arm) {
  return duration(arm.stolen_ns.estimate / cell.plan.nr_responders);
}

}  // namespace

Table sessions_table(const CellResult& cell) {
  Table table;
  table.caption = "Every session";
  table.columns = {
      {"session", true, true},      {"A", true, true},          {"B", true, true},
      {"A/B [95 %]", true, true},   {"calibrator", true, true}, {"blocks", true, true},
      {"measured", true, false},    {"began at", true, false},  {"lag-1 ρ", true, false},
      {"stopped by", false, false}, {"state", false, false}};
  for (const SessionResult& session : cell.sessions) {
    table.rows.push_back(
        {{{count(session.session)},
          {duration(session.level_a_ns)},
          {duration(session.level_b_ns)},
          {ratio_interval(session.ratio)},
          {session.calibrator_ns > 0 ? duration(session.calibrator_ns) : "no responder"},
          {count(session.nr_blocks)},
          {significant(session.seconds) + " s"},
          {significant(session.start_s) + " s"},
          {significant(session.rho)},
          {session.stop_reason},
          {session.counts ? std::string(statistics::name(session.state))
                          : "too short: does not count",
           session.counts ? Tone::kPlain : Tone::kAlarm}}});
  }
  return table;
}

Table quantiles_table(const CellResult& cell, const Labels& labels) {
  Table table;
  table.columns = {{"scheme", false, true}, {"5 %", true, true},    {"25 %", true, true},
                   {"median", true, true},  {"75 %", true, true},   {"95 %", true, true},
                   {"99 %", true, true},    {"longest", true, true}};
  const auto add = [&](char letter, const ArmResult& arm) {
    const Quantiles& q = arm.quantiles;
    table.rows.push_back({{{arm_label(letter, arm, labels)},
                           {duration(q.p5)},
                           {duration(q.p25)},
                           {duration(q.p50)},
                           {duration(q.p75)},
                           {duration(q.p95)},
                           {duration(q.p99)},
                           {duration(q.max)}}});
  };
  add('A', cell.a);
  add('B', cell.b);
  return table;
}

Table who_pays_table(const CellResult& cell, const Labels& labels) {
  Table table;
  table.columns = {{"scheme", false, true},
                   {"caller waits", true, true},
                   {"stolen [95 %]", true, true},
                   {"each loses so", true, false},
                   {"interruptions", true, true}};
  const auto add = [&](char letter, const ArmResult& arm) {
    table.rows.push_back({{{arm_label(letter, arm, labels)},
                           {duration(arm.latency_ns.estimate)},
                           {duration_interval(arm.stolen_ns)},
                           {per_responder(cell, arm)},
                           {significant(arm.interrupts_seen)}}});
  };
  add('A', cell.a);
  add('B', cell.b);
  return table;
}

Table who_pays_everywhere(const StudyResult& study, const Labels& labels) {
  Table table;
  table.caption = "Every cell with responders";
  table.folded = true;
  table.in_mail = false;
  table.columns = {{"cell", false, true},          {"scheme", false, true},
                   {"caller waits", true, true},   {"stolen [95 %]", true, true},
                   {"each loses so", true, true},  {"interruptions", true, true},
                   {"lost afterwards", true, true}};
  for (const CellResult& cell : study.cells) {
    if (cell.plan.nr_responders == 0 || cell.plan.role != CellRole::kCompare) continue;
    if (!cell.untimed.empty()) continue;
    bool first = true;
    for (const ArmResult* arm : {&cell.a, &cell.b}) {
      table.rows.push_back({{{Labels::cell(cell.plan)},
                             {labels.scheme(arm->scheme)},
                             {duration(arm->latency_ns.estimate)},
                             {duration_interval(arm->stolen_ns)},
                             {per_responder(cell, *arm)},
                             {significant(arm->interrupts_seen)},
                             lost_afterwards(cell, first ? Arm::kA : Arm::kB)},
                            first,
                            &cell == headline(study)});
      first = false;
    }
  }
  return table;
}

Table account_table(const CellResult& cell) {
  Table table;
  table.columns = {{"term", false, true},
                   {"A", true, true},
                   {"B", true, true},
                   {"", false, true},
                   {"measured by", false, false}};
  for (const AccountLine& line : account(cell)) {
    const auto value = [](const std::string& text) {
      return TextCell{text, text == "unknown" ? Tone::kMuted : Tone::kPlain};
    };
    table.rows.push_back({{{line.term},
                           value(line.a),
                           value(line.b),
                           line.agrees ? TextCell{} : TextCell{"contradicts", Tone::kAlarm},
                           {line.source, Tone::kMuted}}});
  }
  return table;
}

Table phases_table(const std::vector<const CellResult*>& cells, const Labels& labels) {
  Table table;
  table.columns = {{"cell", false, true}, {"scheme", false, true}};
  std::vector<const catalogue::Term*> times;
  for (const catalogue::Term& term : catalogue::kTerms) {
    if (term.counted != catalogue::Counted::kTimed) continue;
    times.push_back(&term);
    table.columns.push_back({term.label, true, true});
  }
  table.columns.push_back({"offers to yield", true, true});
  const auto mean = [](const ArmResult& arm, const char* term, const auto& text_of) {
    const auto found = arm.engine_account.find(term);
    return found == arm.engine_account.end() ? TextCell{"unknown", Tone::kMuted}
                                             : TextCell{text_of(found->second.mean)};
  };
  for (const CellResult* cell : cells) {
    bool first = true;
    for (const ArmResult* arm : {&cell->a, &cell->b}) {
      const bool timed = std::any_of(times.begin(), times.end(), [&](const auto* term) {
        return arm->engine_account.contains(term->name);
      });
      if (!timed) continue;
      Row row{{{Labels::cell(cell->plan)}, {labels.scheme(arm->scheme)}}};
      for (const catalogue::Term* term : times) {
        row.cells.push_back(mean(*arm, term->name, duration));
      }
      row.cells.push_back(mean(*arm, "resched_points", significant));
      row.begins_group = first && !table.rows.empty();
      table.rows.push_back(std::move(row));
      first = false;
    }
  }
  return table;
}

std::vector<Table> machine_tables(const RunDescription& run) {
  std::vector<Table> tables;
  for (const auto& [title, facts] : run.machine) {
    Table table;
    table.caption = title;
    table.columns = {{"", false, true}, {"", false, true}};
    table.folded = !tables.empty();
    for (const auto& [name, value] : facts) table.rows.push_back({{{name}, {value}}});
    tables.push_back(std::move(table));
  }
  return tables;
}

Table missing_counters_table(const StudyResult& study) {
  Table table;
  table.columns = {{"event", false, true}, {"why it was not counted", false, true}};
  for (const auto& [event, reason] : study.counters_missing) {
    table.rows.push_back({{{event}, {reason}}});
  }
  return table;
}

}  // namespace tlblab::report
