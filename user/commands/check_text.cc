// SPDX-License-Identifier: GPL-2.0-only
// Words and tables of a check.
#include "user/commands/check_text.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "user/commands/layout.hh"
#include "user/model/cpu_list.hh"
#include "user/report/document/check_words.hh"
#include "user/statistics/bounds.hh"

namespace tlblab {
namespace {

constexpr std::size_t kNrLoads = kLoads.size();

/// A row of the tables: a name and a text for each load, wrapped.
struct Row {
  std::string name;
  std::array<std::string, kNrLoads> texts;
};

std::vector<std::string> lines_of(const std::string& text, std::size_t width) {
  std::vector<std::string> lines;
  const std::string all = wrapped(text, 0, width);
  for (std::size_t at = 0; at <= all.size();) {
    const std::size_t end = std::min(all.find('\n', at), all.size());
    lines.push_back(all.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string table(const std::vector<Row>& rows, std::size_t width) {
  std::size_t name_width = 0;
  for (const Row& row : rows) name_width = std::max(name_width, row.name.size());
  const std::size_t column = (width - 2 - name_width) / kNrLoads;
  std::string text;
  for (const Row& row : rows) {
    std::array<std::vector<std::string>, kNrLoads> cells;
    std::size_t height = 1;
    for (std::size_t i = 0; i < kNrLoads; ++i) {
      cells[i] = lines_of(row.texts[i], column - 2);
      height = std::max(height, cells[i].size());
    }
    for (std::size_t line = 0; line < height; ++line) {
      std::string whole = fmt::format("  {:<{}}", line == 0 ? row.name : "", name_width);
      for (const auto& cell : cells) {
        whole += fmt::format("  {:<{}}", line < cell.size() ? cell[line] : "", column - 2);
      }
      whole.erase(whole.find_last_not_of(' ') + 1);
      text += whole + '\n';
    }
  }
  return text;
}

Row head_row(std::string label) {
  Row row{std::move(label), {}};
  for (std::size_t i = 0; i < kNrLoads; ++i) row.texts[i] = name(kLoads[i]);
  return row;
}

/// Rows by fault or scheme, in the order in which the cells came.
template <typename NameOf, typename TextOf>
std::vector<Row> rows_of(std::string head, const std::vector<CheckedCell>& cells,
                         const NameOf& name_of, const TextOf& text_of) {
  std::vector<Row> rows{head_row(std::move(head))};
  for (const CheckedCell& cell : cells) {
    const std::string label = name_of(cell);
    if (rows.size() == 1 || rows.back().name != label) {
      rows.push_back({label, {}});
      rows.back().texts.fill("cannot show");
    }
    rows.back().texts[static_cast<std::size_t>(cell.load)] = text_of(cell);
  }
  return rows;
}

/// How often a planted fault that shows as `observation` was caught under each load.
Row yardstick(const CheckResult& check, Observation observation) {
  Row row{fmt::format("planted: {}", name(observation)), {}};
  for (std::size_t i = 0; i < kNrLoads; ++i) {
    row.texts[i] = report::yardstick_text(check, kLoads[i], observation);
  }
  return row;
}

/// Bad reads of violations, and reasons for inconclusive cells.
std::string details(const CheckResult& check, std::size_t width) {
  std::string text;
  for (const CheckedCell& cell : check.cells) {
    const CheckVerdict verdict = judge(cell.counts);
    if (verdict.outcome == Outcome::kNoneSeen) continue;
    text +=
        fmt::format("\n{}, {}: {}\n", cell.scheme, name(cell.load), words(verdict, cell.counts));
    if (!verdict.reason.empty()) text += fmt::format("  {}\n", wrapped(verdict.reason, 2, width));
    for (const BadRead& read : cell.bad_reads) {
      text += fmt::format("  {}\n", wrapped(report::bad_read_text(read, check.emulated), 4, width));
    }
  }
  return text;
}

nlohmann::json to_json_value(const BadRead& bad_read, bool emulated) {
  const auto since = [&](std::uint64_t ns) {
    return emulated || ns == 0 ? nlohmann::json(nullptr)
                               : nlohmann::json(static_cast<std::int64_t>(bad_read.seen_ns - ns));
  };
  return {{"observation", name(bad_read.observation)},
          {"cpu", bad_read.cpu},
          {"round", bad_read.round + 1},
          {"address", bad_read.address},
          {"frame", bad_read.frame},
          {"generation", bad_read.generation},
          {"call_had_returned", bad_read.returned_ns != 0},
          {"since_cleared_ns", since(bad_read.cleared_ns)},
          {"since_released_ns", since(bad_read.released_ns)},
          {"since_returned_ns", since(bad_read.returned_ns)}};
}

nlohmann::json to_json_value(const CheckedCell& cell, bool emulated) {
  const CheckCounts& counts = cell.counts;
  nlohmann::json reads;
  nlohmann::json rounds_seen;
  for (const Observation observation : kObservations) {
    reads[std::string(name(observation))] = counts.reads[static_cast<std::size_t>(observation)];
    rounds_seen[std::string(name(observation))] = counts.seen(observation);
  }
  nlohmann::json bad_reads = nlohmann::json::array();
  for (const BadRead& bad_read : cell.bad_reads) {
    bad_reads.push_back(to_json_value(bad_read, emulated));
  }
  nlohmann::json value = {{"scheme", cell.scheme},
                          {"load", name(cell.load)},
                          {"rounds", counts.rounds},
                          {"witnessed_rounds", counts.witnessed},
                          {"eligible_reads", counts.eligible_reads},
                          {"reads", reads},
                          {"rounds_seen", rounds_seen},
                          {"stale_writes", counts.stale_writes},
                          {"bad_reads", bad_reads}};
  if (!cell.sought) {
    const CheckVerdict verdict = judge(counts);
    value["verdict"] = words(verdict, counts);
    value["reason"] = verdict.reason;
    if (verdict.outcome == Outcome::kNoneSeen) {
      value["round_bound_95"] = round_bound_95(counts);
    }
    return value;
  }
  value["fault"] = cell.fault;
  value["outcome"] = !counts.not_run.empty() ? "not shown" : cell.escaped() ? "escaped" : "caught";
  value["reason"] = counts.not_run;
  value["caught_rounds"] = cell.nr_caught();
  value["catch_rate_lower_95"] = statistics::lower_bound_95(cell.nr_caught(), counts.rounds);
  value["first_catch_round"] = cell.first_catch;
  value["first_catch_s"] = emulated || cell.first_catch == 0
                               ? nlohmann::json(nullptr)
                               : nlohmann::json(cell.first_catch_seconds);
  return value;
}

}  // namespace

std::string check_text(const CheckResult& check, std::size_t width) {
  std::string text = report::setting_text(check.setting) +
                     (check.emulated ? "; emulated: no times are shown\n" : "\n");
  text +=
      fmt::format("\nFaults planted in {}: each must be caught.\n", check.setting.faulty_scheme);
  text +=
      table(rows_of(
                "fault", check.faults, [](const CheckedCell& cell) { return cell.fault; },
                [&](const CheckedCell& cell) { return report::fault_text(cell, check.emulated); }),
            width);
  if (!check.cells.empty()) {
    std::vector<Row> rows = rows_of(
        "scheme", check.cells, [](const CheckedCell& cell) { return cell.scheme; },
        report::verdict_text);
    for (const Observation observation : {Observation::kReleased, Observation::kAfterReturn}) {
      rows.push_back(yardstick(check, observation));
    }
    text +=
        "\nVerdicts. The bound is for the share of rounds in which something could be seen (95 "
        "%,\nClopper-Pearson); below, how often the most elusive planted fault was.\n";
    text += table(rows, width);
    text += details(check, width);
  }
  return text + '\n' + wrapped(report::conclusion(check), 0, width) + '\n';
}

nlohmann::json check_json(const CheckResult& check) {
  nlohmann::json faults = nlohmann::json::array();
  nlohmann::json cells = nlohmann::json::array();
  for (const CheckedCell& cell : check.faults)
    faults.push_back(to_json_value(cell, check.emulated));
  for (const CheckedCell& cell : check.cells) cells.push_back(to_json_value(cell, check.emulated));
  return {{"shape", check.setting.shape.name()},
          {"cpus", check.setting.cpus},
          {"emulated", check.emulated},
          {"faults", faults},
          {"cells", cells},
          {"status", static_cast<int>(exit_status(check))},
          {"conclusion", report::conclusion(check)}};
}

}  // namespace tlblab
