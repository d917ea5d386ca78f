// SPDX-License-Identifier: GPL-2.0-only
// The order and the words of a report.
#include "user/report/document.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "user/report/format.hh"
#include "user/report/tables.hh"

namespace tlblab::report {
namespace {

const CellResult* control_of(const StudyResult& study, const CellResult& cell) {
  for (const CellResult& other : study.cells) {
    if (other.plan.a == cell.plan.a && other.plan.b == cell.plan.b &&
        other.plan.shape == cell.plan.shape && other.plan.role == CellRole::kCompare &&
        other.plan.nr_responders == 0 && cell.plan.nr_responders > 0) {
      return &other;
    }
  }
  return nullptr;
}

std::vector<std::string> notices(const StudyResult& study) {
  std::vector<std::string> out;
  if (study.emulated) {
    out.emplace_back(
        "This ran under emulation. Emulated time is not time, so this report shows none: only "
        "counts, and verdicts about counts.");
  }
  if (!study.complete) {
    out.emplace_back(
        "The study is not finished. What follows rests on what is there; the same command "
        "continues it.");
  }
  const CellResult* cell = headline(study);
  const std::size_t sessions = cell == nullptr ? 0 : cell->sessions.size();
  if (cell == nullptr) {
    out.emplace_back("No cell has a complete block yet, so there is nothing to report.");
  } else if (sessions == 0) {
    out.push_back(fmt::format("{} has no usable block: what it would say is not known.",
                              Labels::cell(cell->plan)));
  } else if (!study.emulated && sessions < statistics::kSessionsForClaim) {
    out.push_back(fmt::format(
        "{}: what is said here holds in {}. A claim about the machine needs at least {} separate "
        "ones.",
        plural(sessions, "session"), sessions == 1 ? "this session" : "these sessions",
        statistics::kSessionsForClaim));
  }
  if (!study.warnings.empty()) {
    out.push_back(fmt::format("{} about the result file: see below.",
                              plural(study.warnings.size(), "warning")));
  }
  return out;
}

/// What the responders' part of the difference is, by the R = 0 control.
std::string split_sentence(const StudyResult& study, const CellResult& cell) {
  const CellResult* control = control_of(study, cell);
  if (control == nullptr) return "";
  const double all = cell.difference_ns.estimate;
  const double without = control->difference_ns.estimate;
  if (!std::isfinite(all) || !std::isfinite(without)) return "";
  return fmt::format(
      "Of the {} between A and B, {} remain with no responder: system calls and VMA work. The "
      "other {} are what the responders cost the caller.",
      duration(all), duration(without), duration(all - without));
}

std::vector<Fact> timed_facts(const CellResult& cell, const Labels& labels) {
  std::vector<Fact> facts;
  facts.push_back({"ratio A/B", ratio_interval(cell.ratio),
                   fmt::format("{} takes {} as long as {}", labels.scheme(cell.plan.a),
                               ratio(cell.ratio.estimate), labels.scheme(cell.plan.b))});
  facts.push_back({"difference A − B", duration_interval_signed(cell.difference_ns),
                   "per operation, what the caller waits"});
  if (cell.per_interrupt_ns) {
    facts.push_back({"per interrupt avoided", duration_interval_signed(*cell.per_interrupt_ns),
                     fmt::format("{} fewer per operation, event {}",
                                 significant(cell.interrupts_avoided), cell.interrupts_source)});
  }
  if (cell.plan.nr_responders > 0) {
    facts.push_back({"stolen from responders",
                     fmt::format("{} / {}", duration(cell.a.stolen_ns.estimate),
                                 duration(cell.b.stolen_ns.estimate)),
                     "per operation, A / B, all responders together"});
  }
  return facts;
}

std::vector<Fact> counted_facts(const CellResult& cell) {
  const auto text = [&](const ArmResult& arm) {
    const std::optional<double> mean = interrupts_of(cell, arm);
    return mean ? significant(*mean) : std::string("unknown");
  };
  const auto expected = [](const ArmResult& arm) {
    return arm.expected_requests ? count(*arm.expected_requests) : std::string("unknown");
  };
  return {{"flush requests A / B", expected(cell.a) + " / " + expected(cell.b),
           "per operation, as the engine expects"},
          {"interrupts A / B", text(cell.a) + " / " + text(cell.b),
           "per operation, handled on responders"},
          {"account", account_verdict(cell).text, "whether the counts match each other"}};
}

std::string headline_name(const CellResult& cell) {
  return fmt::format(
      "{} ({}, {} each, {})", Labels::cell(cell.plan), plural(cell.plan.shape.nr_vmas, "VMA"),
      plural(cell.plan.shape.pages_per_vma, "page"), plural(cell.plan.nr_responders, "responder"));
}

/// "Of 46 compared cells: B faster in 30, A faster in 2, equivalent 7, ..."; zeroes are said too.
std::string tally(const StudyResult& study) {
  std::array<std::size_t, 6> counts{};
  std::size_t all = 0;
  for (const CellResult& cell : study.cells) {
    if (cell.plan.role != CellRole::kCompare) continue;
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
      case statistics::Verdict::kUnstable:
        ++counts[4];
        break;
      case statistics::Verdict::kVoid:
        ++counts[5];
        break;
    }
  }
  return fmt::format(
      "Of {}: B faster in {}, A faster in {}, equivalent in {}, inconclusive in {}, unstable in "
      "{}, void in {}.",
      plural(all, "compared cell"), counts[0], counts[1], counts[2], counts[3], counts[4],
      counts[5]);
}

const std::string kCellNotation =
    "A cell is VMAs x pages + gap, then R and the number of responders: 16x4+1 R1 is 16 VMAs of 4 "
    "pages with one unmapped page between them and one other CPU using the memory.";

Section cells_section(const StudyResult& study, const Labels& labels) {
  Section section;
  section.id = "cells";
  section.title = "Every cell";
  section.in_mail = true;
  section.paragraphs.push_back(tally(study));
  section.paragraphs.push_back(kCellNotation +
                               " A ratio above 1 means that A takes longer. Intervals are raw, "
                               "verdicts are adjusted for the number of cells.");
  section.tables = cells_tables(study, labels);
  return section;
}

Section counts_section(const StudyResult& study, const Labels& labels) {
  Section section;
  section.id = "account";
  section.title = "The account";
  section.in_mail = study.emulated;
  const CellResult& cell = *headline(study);
  section.paragraphs.push_back(fmt::format(
      "Flush requests and interrupts of one operation in {}. Lines that must match are checked; "
      "what nothing measured is unknown, never zero.",
      headline_name(cell)));
  section.tables.push_back(account_table(cell));
  for (Table& table : counts_tables(study, labels)) {
    table.folded = !study.emulated;
    table.caption = "Every cell: " + table.caption;
    section.tables.push_back(std::move(table));
  }
  if (study.emulated) section.paragraphs.push_back(kCellNotation);
  return section;
}

Section main_figure_section(const StudyResult& study) {
  Section section;
  section.id = "figure";
  section.figures = FigureSlot::kMain;
  if (study.emulated) {
    section.title = "Interrupts against number of VMAs";
    return section;
  }
  section.title = "Latency and interrupts against number of VMAs";
  std::string text =
      "What the caller waits for one operation, and beside it how often other CPUs are "
      "interrupted. Bars are 95 % intervals.";
  if (control_of(study, *headline(study)) != nullptr) {
    text +=
        " Dashed lines with open marks are the controls without a responder: what is left there "
        "is not the price of the shootdown.";
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
        " Across {} the ratio is {}; that interval comes from the spread of session means, not "
        "from the trials within them.",
        plural(cell.sessions.size(), "session"), ratio_interval(cell.ratio));
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
    section.paragraphs.emplace_back("This cell has no responder: the caller pays all.");
    return section;
  }
  section.paragraphs.push_back(fmt::format(
      "Time taken from the CPUs that did nothing but use the memory, per operation of {}, as they "
      "saw it by their own clocks.",
      headline_name(cell)));
  const std::string split = split_sentence(study, cell);
  if (!split.empty()) section.paragraphs.push_back(split);
  section.tables.push_back(who_pays_table(cell, labels));
  section.tables.push_back(who_pays_everywhere(study, labels));
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
      "{} of {}, in which a responder did not do its part, stay in the result file but enter no "
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

Table folded(Table table, std::string caption) {
  table.folded = true;
  table.caption = std::move(caption);
  return table;
}

void add_cell_sections(const StudyResult& study, const Labels& labels, Document& document) {
  const CellResult& cell = *headline(study);
  std::vector<Section>& out = document.sections;
  out.push_back(main_figure_section(study));
  if (!study.emulated) {
    if (!cell.sessions.empty()) {
      out.push_back(sessions_section(study, cell));
      out.push_back(distribution_section(cell, labels));
    }
    out.push_back(cells_section(study, labels));
    out.push_back(who_pays_section(study, cell, labels));
  }
  out.push_back(counts_section(study, labels));
  if (!study.emulated) {
    out.push_back(
        one_table("perturbation", "What counting disturbs",
                  "Times and counts come from separate passes. " + perturbation_sentence(cell),
                  folded(perturbation_table(study, labels), "Every cell")));
  }
  out.push_back(one_table("apart", "Trials set apart", apart_sentence(study),
                          folded(apart_table(study, labels), "Every cell, by reason")));
  if (study.emulated) return;
  Table controls = controls_table(study, labels);
  const bool none = controls.rows.empty();
  out.push_back(one_table("controls", "A/A controls",
                          none ? "This study has no cell that compares a scheme with itself."
                               : "A scheme against itself must not come out different.",
                          std::move(controls)));
}

Section machine_section(const StudyResult& study) {
  Section section;
  section.id = "machine";
  section.title = "The machine";
  section.paragraphs.push_back(study.machine_kind + ": " + study.machine_line);
  section.tables = machine_tables(study);
  return section;
}

Section missing_section(const StudyResult& study) {
  return one_table("counters", "Counters that this machine did not give",
                   study.counters_missing.empty()
                       ? "None: every event that tlblab knows was counted."
                       : "Each one with its reason.",
                   missing_counters_table(study));
}

Section warnings_section(const StudyResult& study) {
  Section section;
  section.id = "warnings";
  section.title = "Warnings";
  section.in_mail = !study.warnings.empty();
  section.paragraphs = study.warnings;
  if (study.warnings.empty()) section.paragraphs.emplace_back("None.");
  return section;
}

Section method_section(const StudyResult& study) {
  Section section;
  section.id = "reproduce";
  section.title = "How this was obtained";
  section.in_mail = true;
  section.paragraphs.push_back(fmt::format(
      "A and B alternate inside one boot, in blocks of {} trials; each four are ABBA or BAAB at "
      "random (seed {}). Memory is prepared outside the timed window.",
      statistics::kTrialsPerBlock, study.plan.seed));
  if (!study.emulated) {
    section.paragraphs.push_back(fmt::format(
        "The ratio is exp(mean of ln(median A / median B)) over blocks: averaged over time. Its "
        "interval allows for blocks that resemble their neighbours, and with two sessions or more "
        "comes from the session means alone. A cell stops when its interval is narrow enough or "
        "its time is up, never because of what it found. No interval is claimed from fewer than {} "
        "blocks.",
        statistics::kMinBlocks));
  }
  section.paragraphs.emplace_back("To repeat it:");
  section.command = shell_command(study.command);
  return section;
}

Section verdicts_section(const StudyResult& study) {
  Section section;
  section.id = "verdicts";
  section.title = "How to read a verdict";
  Table table;
  table.columns = {{"word", false, true}, {"meaning", false, true}};
  if (study.emulated) {
    table.rows = {{{{"adds up"}, {"every count that must match another does"}}},
                  {{{"contradiction"}, {"two counts that must match do not; the term is named"}}},
                  {{{"unknown"}, {"nothing on this machine measured it, which is not zero"}}}};
  } else {
    const statistics::Criteria& criteria = study.plan.criteria;
    const auto word = [](statistics::Verdict verdict) {
      return std::string(statistics::name(verdict));
    };
    using statistics::Verdict;
    table.rows = {
        {{{word(Verdict::kDifferent)},
          {fmt::format("A and B differ by more than chance explains: p of at most {} after Holm's "
                       "adjustment over all cells, and not wholly inside the bound below",
                       fmt::format("{:g}", criteria.alpha))}}},
        {{{word(Verdict::kEquivalent)},
          {fmt::format("whatever difference there is lies within ±{}: the 90 % interval is inside "
                       "that bound",
                       percent(criteria.equivalence))}}},
        {{{word(Verdict::kInconclusive)},
          {"neither could be shown; the smallest effect that would have been seen is given"}}},
        {{{word(Verdict::kUnstable)},
          {fmt::format("the machine did not hold still enough for ±{} in the time allowed, or "
                       "blocks depend on each other",
                       percent(criteria.width))}}},
        {{{word(Verdict::kVoid)},
          {"a control failed or responders did not run: nothing may be concluded"}}}};
  }
  section.tables.push_back(std::move(table));
  return section;
}

/// Everything foreign passes here, once: renderers need only escape.
void clean_all(Document& document) {
  const auto fix = [](std::string& text) { text = clean(text); };
  for (std::string* text : {&document.title, &document.question, &document.answer,
                            &document.machine_kind, &document.machine_line, &document.origin}) {
    fix(*text);
  }
  std::for_each(document.notices.begin(), document.notices.end(), fix);
  for (Fact& fact : document.facts) {
    for (std::string* text : {&fact.label, &fact.value, &fact.note}) fix(*text);
  }
  for (Section& section : document.sections) {
    fix(section.command);
    std::for_each(section.paragraphs.begin(), section.paragraphs.end(), fix);
    for (Table& table : section.tables) {
      fix(table.caption);
      for (Column& column : table.columns) fix(column.title);
      for (Row& row : table.rows) {
        for (TextCell& cell : row.cells) fix(cell.text);
      }
    }
  }
}

}  // namespace

Document build_document(const StudyResult& study) {
  const Labels labels(study);
  Document document;
  document.title = study.plan.name;
  document.question = study.plan.question;
  document.answer = answer_sentence(study);
  document.machine_kind = study.machine_kind;
  document.machine_line = study.machine_line;
  document.notices = notices(study);
  document.origin = fmt::format("tlblab {} ({}), started {}", study.tool_version,
                                study.git_revision, study.started_utc);
  if (const CellResult* cell = headline(study); cell != nullptr) {
    if (study.emulated) {
      document.facts = counted_facts(*cell);
    } else if (!cell->sessions.empty()) {
      document.facts = timed_facts(*cell, labels);
    }
    add_cell_sections(study, labels, document);
  }
  document.sections.push_back(machine_section(study));
  document.sections.push_back(missing_section(study));
  document.sections.push_back(warnings_section(study));
  document.sections.push_back(method_section(study));
  document.sections.push_back(verdicts_section(study));
  clean_all(document);
  return document;
}

}  // namespace tlblab::report
