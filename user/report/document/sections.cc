// SPDX-License-Identifier: GPL-2.0-only
// The sections that speak of cells, in order.
#include "user/report/document/sections.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "user/analysis/cell_analysis.hh"
#include "user/analysis/interrupts.hh"
#include "user/report/document/format.hh"
#include "user/report/document/probe.hh"
#include "user/report/document/tlb_section.hh"

namespace tlblab::report {
namespace {

/// What the responders' part of the difference is, by the R = 0 control.
std::string split_sentence(const StudyResult& study, const CellResult& cell) {
  const CellResult* control = control_without_responders(study.cells, cell);
  if (control == nullptr) return "";
  const double all = cell.difference_ns.estimate;
  const double without = control->difference_ns.estimate;
  if (!std::isfinite(all) || !std::isfinite(without)) return "";
  return fmt::format(
      "Of the {} between A and B, {} remain with no responder{}: system calls, VMA work and the "
      "caller's own invalidations (one for each page, or one full flush). The other {} are what "
      "the responders cost the caller{}.",
      duration(all), duration(without),
      control->plan.nr_bystanders > 0 ? " but as many CPUs busy in another process" : "",
      duration(all - without),
      control->plan.nr_bystanders > 0
          ? ""
          : ", at most: without responders the other CPUs were idle, not only unaddressed");
}

std::string headline_name(const CellResult& cell) {
  return fmt::format(
      "{} ({}, {} each, {}{})", Labels::cell(cell.plan), plural(cell.plan.shape.nr_vmas, "VMA"),
      plural(cell.plan.shape.pages_per_vma, "page"), plural(cell.plan.nr_responders, "responder"),
      cell.distances.empty() ? "" : ", distance: " + distance_words(cell.distances));
}

/// "Of 46 compared cells: B faster in 30, A faster in 2, equivalent 7, ..."; zeroes are said too.
std::string tally(const StudyResult& study) {
  std::array<std::size_t, 5> counts{};
  std::size_t all = 0;
  for (const CellResult& cell : study.cells) {
    if (cell.plan.role != CellRole::kCompare || !cell.untimed.empty()) continue;
    ++all;
    switch (cell.verdict) {
      case statistics::Verdict::kDifferent:
        ++counts[cell.ratio.estimate > 1 ? 0 : 1];
        break;
      case statistics::Verdict::kEquivalent:
        ++counts[2];
        break;
      case statistics::Verdict::kInconclusive:
        ++counts[3];
        break;
      case statistics::Verdict::kVoid:
        ++counts[4];
        break;
    }
  }
  return fmt::format(
      "Of {}: B faster in {}, A faster in {}, equivalent in {}, inconclusive in {}, void in {}.",
      plural(all, "compared cell"), counts[0], counts[1], counts[2], counts[3], counts[4]);
}

const std::string kCellNotation =
    "A cell is VMAs x pages + gap, then R and the number of responders: 16x4+1 R1 is 16 VMAs of 4 "
    "pages with one unmapped page between them and one other CPU using the memory. R0+1: none uses "
    "it, and one CPU is busy in another process.";

/// What a cell's name says, and how far its responders are: a mail's tables have no room for that.
std::string cell_notation(const StudyResult& study) {
  std::map<unsigned, std::string> distances;  // by the number of responders
  for (const CellResult& cell : study.cells) {
    if (cell.distances.empty()) continue;
    distances[cell.plan.nr_responders] = distance_words(cell.distances);
  }
  if (distances.empty()) return kCellNotation;
  std::vector<std::string> each;
  each.reserve(distances.size());
  for (const auto& [nr_responders, words] : distances) {
    each.push_back(fmt::format("{}: {}", crew_name(nr_responders, 0), words));
  }
  return fmt::format("{} Distance of responders from the initiator: {}.", kCellNotation,
                     fmt::join(each, "; "));
}

bool compares(const StudyResult& study) {
  return std::any_of(study.cells.begin(), study.cells.end(),
                     [](const CellResult& cell) { return cell.plan.role == CellRole::kCompare; });
}

/// How many of the lab's cells the stock kernel bears out, and which show no time at all, and why.
void add_twin_words(Section& section, const StudyResult& study) {
  std::array<std::size_t, 4> agreements{};
  std::vector<std::pair<std::string, std::size_t>> hidden;  // reason, cells
  for (const CellResult& cell : study.cells) {
    ++agreements[static_cast<std::size_t>(cell.agreement)];
    if (cell.untimed.empty() || cell.plan.role != CellRole::kCompare) continue;
    const auto same = std::find_if(hidden.begin(), hidden.end(),
                                   [&](const auto& entry) { return entry.first == cell.untimed; });
    if (same == hidden.end()) {
      hidden.emplace_back(cell.untimed, 1);
    } else {
      ++same->second;
    }
  }
  const auto of = [&](Agreement which) { return agreements[static_cast<std::size_t>(which)]; };
  const std::size_t paired = of(Agreement::kYes) + of(Agreement::kNo) + of(Agreement::kOpen);
  if (paired > 0) {
    section.paragraphs.push_back(fmt::format(
        "The lab leaves out what the kernel does for each page besides (rmap, LRU, memcg, "
        "reference counts), so its times stand only beside the stock kernel's on the same shape. "
        "Do the two agree on the answer? Yes in {} of {}, no in {}, not decided in {}.",
        of(Agreement::kYes), plural(paired, "cell"), of(Agreement::kNo), of(Agreement::kOpen)));
  }
  for (const auto& [reason, number] : hidden) {
    section.paragraphs.push_back(
        fmt::format("{} without a time, see the account: {}.", plural(number, "cell"), reason));
  }
}

Section cells_section(const StudyResult& study, const Labels& labels) {
  Section section;
  section.id = "cells";
  section.title = "Every cell";
  section.in_mail = true;
  section.paragraphs.push_back(tally(study));
  section.paragraphs.push_back(cell_notation(study) +
                               " A ratio above 1 means that A takes longer. Intervals are raw, "
                               "verdicts are adjusted for the number of cells.");
  add_twin_words(section, study);
  section.tables = cells_tables(study, labels);
  return section;
}

Section counts_section(const StudyResult& study, const Labels& labels) {
  Section section;
  section.id = "account";
  section.title = "The account";
  const bool timed = shows_time(study);
  section.in_mail = !timed || nr_miscounted(study) > 0;
  const CellResult& cell = *headline(study);
  Table inside = inside_table(study, labels);
  if (!inside.rows.empty()) {
    section.paragraphs.emplace_back(
        "Flush requests of one operation: due by the table of docs/methods.md, counted inside by "
        "the "
        "module, seen from outside by the kernel's own tracepoint. Delivered: flush functions run "
        "on "
        "responders, of requests x responders, which they may fall short of (a responder that was "
        "off for a moment) and never exceed. On arm64 the hardware tells all CPUs: there is no "
        "target to count, but barriers (DSB) that wait for it.");
    inside.caption = "Every scheme that was counted inside";
    inside.folded = timed;
    section.tables.push_back(std::move(inside));
  }
  section.paragraphs.push_back(fmt::format(
      "Flush requests and interrupts of one operation in {}. Lines that must match are checked; "
      "what nothing measured is unknown, never zero.",
      headline_name(cell)));
  section.tables.push_back(account_table(cell));
  for (Table& table : counts_tables(study, labels)) {
    table.folded = timed;
    table.caption = "Every cell: " + table.caption;
    section.tables.push_back(std::move(table));
  }
  if (!timed) section.paragraphs.push_back(cell_notation(study));
  return section;
}

Section main_figure_section(const StudyResult& study) {
  Section section;
  section.id = "figure";
  section.figures = FigureSlot::kMain;
  if (!shows_time(study)) {
    section.title = "Interrupts";
    return section;
  }
  section.title = "Latency and interrupts";
  std::string text =
      "What the caller waits for one operation, and beside it how often other CPUs are "
      "interrupted. Bars are 95 % intervals.";
  if (control_without_responders(study.cells, *headline(study)) != nullptr) {
    text +=
        " Dashed lines with open marks are the controls without a responder: what is left there "
        "is not the price of the shootdown.";
  }
  if (study.flush_ceiling_pages > 0) {
    text += fmt::format(
        " A thin vertical line, where a curve crosses it, is where all VMAs, gaps included, span "
        "more than the {} pages up to which this kernel flushes a range; past it one flush over "
        "all is a full one.",
        study.flush_ceiling_pages);
  }
  section.paragraphs.push_back(std::move(text));
  return section;
}

Section sessions_section(const StudyResult& study, const CellResult& cell) {
  Section section;
  section.id = "sessions";
  section.title = "The ratio, session by session";
  section.figures = FigureSlot::kSessions;
  std::string text = fmt::format("Each dot is one session of {}.", headline_name(cell));
  if (cell.sessions.size() > 1) {
    text += fmt::format(
        " The ratio is {} {}; that interval comes from the spread of session means, not from the "
        "trials within them.",
        ratio_interval(cell.ratio), where(cell));
  } else {
    text += fmt::format(" In this session the ratio is {}; another session may differ by more.",
                        ratio_interval(cell.ratio));
  }
  section.paragraphs.push_back(std::move(text));
  section.tables.push_back(sessions_table(cell));
  section.tables.back().folded = cell.sessions.size() > 1 && study.cells.size() > 1;
  return section;
}

Section distribution_section(const CellResult& cell, const Labels& labels) {
  Section section;
  section.id = "distribution";
  section.title = "Distribution and time";
  section.figures = FigureSlot::kDistribution;
  section.paragraphs.push_back(fmt::format(
      "All usable trials of {}, and the medians of its blocks in the order in which they were "
      "taken. A step in time is a change of regime; when the calibrator, one interrupt's round "
      "trip, steps with it, the machine changed and not the scheme.",
      headline_name(cell)));
  section.tables.push_back(quantiles_table(cell, labels));
  return section;
}

Section who_pays_section(const StudyResult& study, const CellResult& cell, const Labels& labels) {
  Section section;
  section.id = "who-pays";
  section.title = "Who pays";
  section.in_mail = true;
  if (cell.plan.nr_responders == 0) {
    section.paragraphs.emplace_back(
        "This cell has no responder: in its process the caller pays all.");
    if (cell.probe.empty()) return section;
    section.paragraphs.push_back(probe_paragraph(study, cell));
    section.tables.push_back(probe_table(study, cell));
    return section;
  }
  section.paragraphs.push_back(fmt::format(
      "Time that interrupts took from the CPUs that did nothing but use the memory, per operation "
      "of {}, as they saw it by their own clocks.",
      headline_name(cell)));
  const std::string split = split_sentence(study, cell);
  if (!split.empty()) section.paragraphs.push_back(split);
  section.tables.push_back(who_pays_table(cell, labels));
  section.paragraphs.push_back(probe_paragraph(study, cell));
  if (!cell.probe.empty()) section.tables.push_back(probe_table(study, cell));
  Table everywhere = who_pays_everywhere(study, labels);
  if (everywhere.rows.size() > section.tables.front().rows.size()) {
    section.tables.push_back(std::move(everywhere));
  }
  return section;
}

Table folded(Table table, std::string caption) {
  table.folded = true;
  table.caption = std::move(caption);
  return table;
}

/// Of cells that show time only. Without a table where no engine looked at its clock.
Section phases_section(const StudyResult& study, const Labels& labels) {
  std::vector<const CellResult*> cells;
  for (const CellResult& cell : study.cells) {
    if (shows_time(study, cell)) cells.push_back(&cell);
  }
  Section section;
  section.id = "phases";
  section.title = "Where the module's time goes";
  section.in_mail = true;
  section.paragraphs.emplace_back(
      "Mean per operation by the module's own clock, which is read in the counting pass only: the "
      "reads are part of these times. An offer to yield is a point where a waiting thread could "
      "have had the CPU.");
  Table all = phases_table(cells, labels);
  Table first = phases_table({headline(study)}, labels);
  const bool more = all.rows.size() > first.rows.size();
  if (!first.rows.empty()) section.tables.push_back(std::move(first));
  if (more) {
    section.tables.push_back(folded(std::move(all), "Every cell"));
    section.tables.back().in_mail = section.tables.size() == 1;
  }
  return section;
}

std::string perturbation_sentence(const CellResult& cell) {
  const auto added = [](const ArmResult& arm) {
    return arm.counting_latency_ns > 0 ? change(arm.counting_latency_ns / arm.quantiles.p50)
                                       : std::string("an unknown amount");
  };
  return fmt::format(
      "In {} the counters change the median latency by {} under A and by {} under B.",
      Labels::cell(cell.plan), added(cell.a), added(cell.b));
}

std::string apart_sentence(const StudyResult& study) {
  std::size_t used = 0;
  std::size_t apart = 0;
  for (const CellResult& cell : study.cells) {
    for (const ArmResult* arm : {&cell.a, &cell.b}) {
      used += arm->nr_trials;
      apart += nr_apart(*arm);
    }
  }
  return fmt::format(
      "{} of {}, in which a responder or the caller was not there, stay in the result file but "
      "enter no "
      "number of this report.",
      count(apart), plural(used + apart, "trial"));
}

Section one_table(std::string id, std::string title, std::string paragraph, Table table) {
  Section section;
  section.id = std::move(id);
  section.title = std::move(title);
  section.paragraphs.push_back(std::move(paragraph));
  if (!table.rows.empty()) section.tables.push_back(std::move(table));
  return section;
}

}  // namespace

std::vector<Section> cell_sections(const StudyResult& study, const Labels& labels) {
  const CellResult& cell = *headline(study);
  std::vector<Section> out;
  const bool timed = shows_time(study);
  out.push_back(main_figure_section(study));
  if (timed) {
    if (!cell.sessions.empty()) {
      out.push_back(sessions_section(study, cell));
      out.push_back(distribution_section(cell, labels));
    }
    if (compares(study)) out.push_back(cells_section(study, labels));
    out.push_back(who_pays_section(study, cell, labels));
    Section phases = phases_section(study, labels);
    if (!phases.tables.empty()) out.push_back(std::move(phases));
  }
  out.push_back(counts_section(study, labels));
  out.push_back(tlb_section(study, labels));
  if (timed) {
    out.push_back(
        one_table("perturbation", "What counting disturbs",
                  "Times and counts come from separate passes. " + perturbation_sentence(cell),
                  folded(perturbation_table(study, labels), "Every cell")));
  }
  out.push_back(one_table("apart", "Trials set apart", apart_sentence(study),
                          folded(apart_table(study, labels), "Every cell, by reason")));
  if (!timed) return out;
  Table controls = controls_table(study, labels);
  const bool none = controls.rows.empty();
  out.push_back(
      one_table("controls", "A/A controls",
                none ? "This study has no cell that compares a scheme with itself."
                     : "A scheme against itself, where nothing differs: how far from 1 that "
                       "reaches is what the tool and the machine add to any ratio.",
                std::move(controls)));
  out.back().in_mail = !compares(study);  // else a mail has its table of cells already
  return out;
}

}  // namespace tlblab::report
