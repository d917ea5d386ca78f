// SPDX-License-Identifier: GPL-2.0-only
// The tables of a check: what was planted, what was found, and with how much effort.
#include "user/report/document/check_section.hh"

#include <fmt/format.h>

#include <algorithm>

#include "user/report/document/check_words.hh"
#include "user/report/document/format.hh"

namespace tlblab::report {
namespace {

/// A column for each load.
Table by_load(std::string caption, std::string head) {
  Table table;
  table.caption = std::move(caption);
  table.columns.push_back({std::move(head), false, true});
  for (const Load load : kLoads) table.columns.push_back({std::string(name(load)), false, true});
  return table;
}

Row empty_row(std::string label) {
  Row row;
  row.cells.push_back({std::move(label)});
  row.cells.resize(1 + kLoads.size(), {"cannot show", Tone::kMuted});
  return row;
}

TextCell& at(Row& row, Load load) { return row.cells.at(1 + static_cast<std::size_t>(load)); }

Table faults_table(const CheckResult& check) {
  Table table =
      by_load(fmt::format("Faults planted in {}: each must be caught", check.setting.faulty_scheme),
              "fault");
  for (const CheckedCell& cell : check.faults) {
    const std::string label = fmt::format("{}: {}", cell.fault, cell.fault_meaning);
    if (table.rows.empty() || table.rows.back().cells.front().text != label) {
      table.rows.push_back(empty_row(label));
    }
    at(table.rows.back(), cell.load) = {fault_text(cell, check.emulated),
                                        cell.escaped() ? Tone::kAlarm : Tone::kPlain};
  }
  return table;
}

Tone tone_of(const CheckedCell& cell) {
  const Outcome outcome = judge(cell.counts).outcome;
  if (is_violation(outcome)) return Tone::kAlarm;
  return outcome == Outcome::kInconclusive ? Tone::kMuted : Tone::kPlain;
}

Table verdicts_table(const CheckResult& check) {
  Table table = by_load("Verdicts", "scheme");
  for (const CheckedCell& cell : check.cells) {
    if (table.rows.empty() || table.rows.back().cells.front().text != cell.scheme) {
      table.rows.push_back(empty_row(cell.scheme));
    }
    at(table.rows.back(), cell.load) = {verdict_text(cell), tone_of(cell)};
  }
  if (table.rows.empty()) return table;
  for (const Observation observation : {Observation::kReleased, Observation::kAfterReturn}) {
    Row row = empty_row(fmt::format("planted: {}", name(observation)));
    row.begins_group = observation == Observation::kReleased;
    for (const Load load : kLoads) at(row, load) = {yardstick_text(check, load, observation)};
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// What was seen that should not have been, and why a cell says nothing.
Table details_table(const CheckResult& check) {
  Table table;
  table.caption = "What was seen, and why a verdict is inconclusive";
  table.columns = {{"cell", false, true}, {"seen", false, true}};
  for (const CheckedCell& cell : check.cells) {
    const CheckVerdict verdict = judge(cell.counts);
    if (verdict.outcome == Outcome::kNoneSeen) continue;
    const std::string label = fmt::format("{}, {}", cell.scheme, name(cell.load));
    if (!verdict.reason.empty()) table.rows.push_back({{{label}, {verdict.reason}}});
    for (const BadRead& read : cell.bad_reads) {
      table.rows.push_back({{{label}, {bad_read_text(read, check.emulated), Tone::kAlarm}}});
    }
  }
  return table;
}

/// Rounds and reads behind each verdict.
Table effort_table(const CheckResult& check) {
  Table table;
  table.caption = "Effort";
  table.folded = true;
  table.in_mail = false;
  table.columns = {{"cell", false, true},
                   {"rounds", true, true},
                   {"with every witness", true, true},
                   {"eligible reads", true, true}};
  for (const std::vector<CheckedCell>* cells : {&check.faults, &check.cells}) {
    for (const CheckedCell& cell : *cells) {
      const std::string fault = cell.sought ? fmt::format(" with {}", cell.fault) : "";
      table.rows.push_back({{{fmt::format("{}{}, {}", cell.scheme, fault, name(cell.load))},
                             {count(cell.counts.rounds)},
                             {count(cell.counts.witnessed)},
                             {count(cell.counts.eligible_reads)}}});
    }
  }
  return table;
}

}  // namespace

Section check_section(const CheckResult& check) {
  Section section;
  section.id = "correct";
  section.title = "Is it correct?";
  section.in_mail = true;
  section.paragraphs.push_back(conclusion(check));
  section.paragraphs.push_back(fmt::format(
      "While initiators unmap, witnesses on other CPUs go on reading the pages, each through its "
      "own TLB. On {}; started {}.",
      setting_text(check.setting), check.started_utc));
  section.tables.push_back(faults_table(check));
  if (!check.cells.empty()) {
    section.paragraphs.emplace_back(
        "A bound is for the share of rounds in which something could be seen (95 %, "
        "Clopper-Pearson). The last rows say how often the most elusive planted fault was.");
    section.tables.push_back(verdicts_table(check));
  }
  if (Table details = details_table(check); !details.rows.empty()) {
    section.tables.push_back(std::move(details));
  }
  section.tables.push_back(effort_table(check));
  return section;
}

}  // namespace tlblab::report
