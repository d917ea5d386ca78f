// SPDX-License-Identifier: GPL-2.0-only
// Words and tables of a check.
#include "user/commands/check_text.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "user/commands/layout.hh"
#include "user/report/document/format.hh"
#include "user/statistics/bounds.hh"
#include "user/topology/placement.hh"

namespace tlblab {
namespace {

using oracle::CellRecord;
using oracle::CheckRecord;
using oracle::Sight;
using report::percent;

constexpr std::size_t kNrLoads = oracle::kLoads.size();

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
  for (std::size_t i = 0; i < kNrLoads; ++i) row.texts[i] = name(oracle::kLoads[i]);
  return row;
}

std::string fault_cell_text(const CellRecord& cell, bool emulated) {
  if (!cell.counts.not_run.empty()) return "not shown: " + cell.counts.not_run;
  if (oracle::escaped(cell)) return fmt::format("ESCAPED in {} rounds", cell.counts.rounds);
  std::string text = fmt::format("caught in {} of {} rounds, first in round {}", cell.nr_caught(),
                                 cell.counts.rounds, cell.first_catch);
  if (!emulated) text += fmt::format(" after {}", report::duration(cell.first_catch_seconds * 1e9));
  return text;
}

std::string sound_cell_text(const CellRecord& cell) {
  const oracle::Verdict verdict = oracle::judge(cell.counts);
  std::string text = oracle::words(verdict, cell.counts);
  if (verdict.word == oracle::Word::kNoneSeen) {
    text += fmt::format(", < {} of rounds", percent(oracle::round_bound_95(cell.counts)));
  }
  return text;
}

/// Rows by fault or scheme, in the order in which the cells came.
template <typename NameOf, typename TextOf>
std::vector<Row> rows_of(std::string head, const std::vector<CellRecord>& cells,
                         const NameOf& name_of, const TextOf& text_of) {
  std::vector<Row> rows{head_row(std::move(head))};
  for (const CellRecord& cell : cells) {
    const std::string label = name_of(cell);
    if (rows.size() == 1 || rows.back().name != label) {
      rows.push_back({label, {}});
      rows.back().texts.fill("cannot show");
    }
    rows.back().texts[static_cast<std::size_t>(cell.plan.load)] = text_of(cell);
  }
  return rows;
}

/// How often a planted fault that shows as `sight` was caught under each load.
Row yardstick(const CheckRecord& record, Sight sight) {
  Row row{fmt::format("planted: {}", name(sight)), {}};
  for (std::size_t i = 0; i < kNrLoads; ++i) {
    const CellRecord* cell = oracle::hardest_fault(record, oracle::kLoads[i], sight);
    row.texts[i] = cell == nullptr ? "-"
                                   : fmt::format("in {} of rounds ({})",
                                                 percent(static_cast<double>(cell->nr_caught()) /
                                                         static_cast<double>(cell->counts.rounds)),
                                                 oracle::planted_fault(cell->plan.fault).name);
  }
  return row;
}

std::string cell_name(const CellRecord& cell) {
  return fmt::format("{}, {}", tlblab::name(cell.plan.scheme), name(cell.plan.load));
}

/// Findings of violations, and reasons for inconclusive cells.
std::string details(const CheckRecord& record, const CheckSetting& setting, std::size_t width) {
  std::string text;
  for (const CellRecord& cell : record.cells) {
    const oracle::Verdict verdict = oracle::judge(cell.counts);
    if (verdict.word == oracle::Word::kNoneSeen) continue;
    text += fmt::format("\n{}: {}\n", cell_name(cell), oracle::words(verdict, cell.counts));
    if (!verdict.reason.empty()) text += fmt::format("  {}\n", wrapped(verdict.reason, 2, width));
    for (const oracle::Finding& finding : cell.findings) {
      text += fmt::format("  {}\n", wrapped(finding_text(finding, setting.emulated), 4, width));
    }
  }
  return text;
}

std::string conclusion(const CheckRecord& record) {
  switch (oracle::exit_status(record)) {
    case ExitStatus::kVoid: {
      std::string text = "VOID: the oracle did not see what was planted";
      for (const CellRecord& cell : record.faults) {
        if (!oracle::escaped(cell)) continue;
        text += fmt::format("; {} escaped under {}", oracle::planted_fault(cell.plan.fault).name,
                            name(cell.plan.load));
      }
      return text +
             ". Nothing may be concluded here. More --seconds, or a larger --shape, give a "
             "fault more chances to show.";
    }
    case ExitStatus::kViolation:
      return "VIOLATION: a sound scheme let a page be reached that it had given away.";
    case ExitStatus::kInconclusive:
      return "inconclusive: where witnesses were there, nothing was seen.";
    default:
      return "clean: every planted fault was caught, and no sound scheme showed anything.";
  }
}

nlohmann::json to_json_value(const oracle::Finding& finding, bool emulated) {
  const auto since = [&](std::uint64_t ns) {
    return emulated || ns == 0 ? nlohmann::json(nullptr)
                               : nlohmann::json(static_cast<std::int64_t>(finding.seen_ns - ns));
  };
  return {{"sight", name(finding.sight)},
          {"cpu", finding.cpu},
          {"round", finding.round + 1},
          {"address", finding.address},
          {"frame", finding.tag.frame},
          {"generation", finding.tag.generation},
          {"call_had_returned", finding.returned_ns != 0},
          {"since_cleared_ns", since(finding.tag.cleared_ns)},
          {"since_released_ns", since(finding.tag.released_ns)},
          {"since_returned_ns", since(finding.returned_ns)}};
}

nlohmann::json to_json_value(const CellRecord& cell, bool emulated) {
  const oracle::CellCounts& counts = cell.counts;
  nlohmann::json reads;
  nlohmann::json rounds_seen;
  for (const Sight sight : {Sight::kReleased, Sight::kForeign, Sight::kAfterReturn}) {
    reads[std::string(name(sight))] = counts.reads[static_cast<std::size_t>(sight)];
    rounds_seen[std::string(name(sight))] = counts.seen(sight);
  }
  nlohmann::json findings = nlohmann::json::array();
  for (const oracle::Finding& finding : cell.findings) {
    findings.push_back(to_json_value(finding, emulated));
  }
  nlohmann::json value = {{"scheme", tlblab::name(cell.plan.scheme)},
                          {"load", name(cell.plan.load)},
                          {"rounds", counts.rounds},
                          {"witnessed_rounds", counts.witnessed},
                          {"eligible_reads", counts.eligible_reads},
                          {"reads", reads},
                          {"rounds_seen", rounds_seen},
                          {"stale_writes", counts.stale_writes},
                          {"findings", findings}};
  if (!cell.sought) {
    const oracle::Verdict verdict = oracle::judge(counts);
    value["verdict"] = oracle::words(verdict, counts);
    value["reason"] = verdict.reason;
    if (verdict.word == oracle::Word::kNoneSeen) {
      value["round_bound_95"] = oracle::round_bound_95(counts);
    }
    return value;
  }
  value["fault"] = oracle::planted_fault(cell.plan.fault).name;
  value["outcome"] = !counts.not_run.empty() ? "not shown"
                     : oracle::escaped(cell) ? "escaped"
                                             : "caught";
  value["reason"] = counts.not_run;
  value["caught_rounds"] = cell.nr_caught();
  value["catch_rate_lower_95"] = oracle::lower_bound_95(cell.nr_caught(), counts.rounds);
  value["first_catch_round"] = cell.first_catch;
  value["first_catch_s"] = emulated || cell.first_catch == 0
                               ? nlohmann::json(nullptr)
                               : nlohmann::json(cell.first_catch_seconds);
  return value;
}

}  // namespace

std::string finding_text(const oracle::Finding& finding, bool emulated) {
  const auto since = [&](std::uint64_t ns) {
    return emulated
               ? std::string("n/a (emulated)")
               : report::duration(static_cast<double>(finding.seen_ns) - static_cast<double>(ns));
  };
  std::string text = fmt::format("round {}, CPU {}, page {:#x}: {}", finding.round + 1, finding.cpu,
                                 finding.address, name(finding.sight));
  const tlblab_tag& tag = finding.tag;
  if (tag.generation == 0) {
    text += ", gone before its tag was read";
  } else {
    text += fmt::format(", frame {:#x}, generation {}", tag.frame, tag.generation);
  }
  if (tag.cleared_ns != 0) text += fmt::format("; since cleared {}", since(tag.cleared_ns));
  if (tag.released_ns != 0) text += fmt::format(", since released {}", since(tag.released_ns));
  return text + (finding.returned_ns == 0
                     ? "; its call had not returned"
                     : fmt::format("; since its call returned {}", since(finding.returned_ns)));
}

std::string check_text(const CheckRecord& record, const CheckSetting& setting, std::size_t width) {
  std::string text = fmt::format("shape {}, CPUs {} (initiators first, the others witness), {}{}\n",
                                 setting.shape.name(), format_cpu_list(setting.cpus),
                                 setting.effort.rounds > 0
                                     ? fmt::format("{} rounds per cell", setting.effort.rounds)
                                     : fmt::format("{} s per cell", setting.effort.seconds),
                                 setting.emulated ? "; emulated: no times are shown" : "");
  text += fmt::format("\nFaults planted in {}: each must be caught.\n",
                      tlblab::name(oracle::faulty_scheme()));
  text +=
      table(rows_of(
                "fault", record.faults,
                [](const CellRecord& cell) {
                  return std::string(oracle::planted_fault(cell.plan.fault).name);
                },
                [&](const CellRecord& cell) { return fault_cell_text(cell, setting.emulated); }),
            width);
  if (!record.cells.empty()) {
    std::vector<Row> rows = rows_of(
        "scheme", record.cells,
        [](const CellRecord& cell) { return tlblab::name(cell.plan.scheme); }, sound_cell_text);
    for (const Sight sight : {Sight::kReleased, Sight::kAfterReturn}) {
      rows.push_back(yardstick(record, sight));
    }
    text +=
        "\nVerdicts. The bound is for the share of rounds in which something could be seen (95 "
        "%,\nClopper-Pearson); below, how often the most elusive planted fault was.\n";
    text += table(rows, width);
    text += details(record, setting, width);
  }
  return text + '\n' + wrapped(conclusion(record), 0, width) + '\n';
}

std::string check_json(const CheckRecord& record, const CheckSetting& setting) {
  nlohmann::json faults = nlohmann::json::array();
  nlohmann::json cells = nlohmann::json::array();
  for (const CellRecord& cell : record.faults) {
    faults.push_back(to_json_value(cell, setting.emulated));
  }
  for (const CellRecord& cell : record.cells) {
    cells.push_back(to_json_value(cell, setting.emulated));
  }
  const nlohmann::json all = {{"shape", setting.shape.name()},
                              {"cpus", setting.cpus},
                              {"emulated", setting.emulated},
                              {"faults", faults},
                              {"cells", cells},
                              {"status", static_cast<int>(oracle::exit_status(record))},
                              {"conclusion", conclusion(record)}};
  return all.dump(2) + '\n';
}

}  // namespace tlblab
