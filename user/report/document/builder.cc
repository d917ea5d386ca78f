// SPDX-License-Identifier: GPL-2.0-only
// The order and the words of a report.
#include "user/report/document/builder.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "user/analysis/cell_analysis.hh"
#include "user/report/document/answer.hh"
#include "user/report/document/caveats.hh"
#include "user/report/document/check_section.hh"
#include "user/report/document/check_words.hh"
#include "user/report/document/format.hh"
#include "user/report/document/sections.hh"
#include "user/report/document/tables.hh"
#include "user/statistics/blocks.hh"

namespace tlblab::report {
namespace {

bool some_cell_has_few_sessions(const StudyResult& study) {
  return std::any_of(study.cells.begin(), study.cells.end(), [](const CellResult& cell) {
    return cell.untimed.empty() && cell.scope != statistics::Scope::kMachine;
  });
}

std::vector<std::string> notices(const StudyResult& study) {
  std::vector<std::string> out;
  if (study.emulated) {
    out.emplace_back(
        "This ran under emulation. Emulated time is not time, so this report shows none: only "
        "counts, and verdicts about counts.");
  } else if (!shows_time(study)) {
    out.emplace_back("No cell of this study may show a time, so this report has counts only.");
  }
  if (const std::size_t wrong = nr_miscounted(study); wrong > 0) {
    const auto first = std::find_if(study.cells.begin(), study.cells.end(),
                                    [](const CellResult& cell) { return !cell.miscount.empty(); });
    out.push_back(fmt::format("{} of {} void: {}.", wrong, plural(study.cells.size(), "cell"),
                              first->miscount));
  }
  if (!study.complete) {
    out.emplace_back(
        "The study is not finished. What follows rests on what is there; the same command "
        "continues it.");
  }
  const CellResult* cell = headline(study);
  if (cell == nullptr) {
    out.emplace_back("No cell has a complete block yet, so there is nothing to report.");
  } else if (cell->sessions.empty() && cell->untimed.empty()) {
    out.push_back(fmt::format("{} has no usable block: what it would say is not known.",
                              Labels::cell(cell->plan)));
  } else if (shows_time(study) && cell->scope != statistics::Scope::kMachine) {
    out.push_back(fmt::format(
        "What is said here holds {}. A claim about the machine needs at least {} sessions, whose "
        "starts lie {:g} s apart and span {:g} minutes.",
        where(*cell), statistics::kSessionsForClaim, statistics::kMinSessionGapSeconds,
        statistics::kMinSessionSpanSeconds / 60));
  } else if (shows_time(study) && some_cell_has_few_sessions(study)) {
    out.push_back(fmt::format(
        "The answer rests on {} of one cell. Cells with fewer than {}, or with sessions closer "
        "together, speak of those sessions only.",
        plural(cell->nr_sessions_counted, "session"), statistics::kSessionsForClaim));
  }
  if (!study.warnings.empty()) {
    out.push_back(fmt::format("{} about the result file: see below.",
                              plural(study.warnings.size(), "warning")));
  }
  return out;
}

/// Of a cell with responders.
Fact distance_fact(const CellResult& cell) {
  return {"distance", distance_words(cell.distances), "of the responders from the initiator"};
}

std::vector<Fact> timed_facts(const CellResult& cell, const Labels& labels) {
  std::vector<Fact> facts;
  if (cell.plan.role == CellRole::kSame) {
    facts.push_back({"latency", duration_interval(cell.a.latency_ns), "per operation"});
    facts.push_back({"ratio A/A", ratio_interval(cell.ratio), "the same scheme twice: must be 1"});
    return facts;
  }
  facts.push_back({"ratio A/B", ratio_interval(cell.ratio),
                   fmt::format("{} takes {} as long as {}", labels.scheme(cell.plan.a),
                               ratio(cell.ratio.estimate), labels.scheme(cell.plan.b))});
  facts.push_back({"difference A − B", duration_interval_signed(cell.difference_ns),
                   "per operation, what the caller waits"});
  if (cell.per_interrupt_ns) {
    facts.push_back({"per interrupt avoided", price_text(cell),
                     fmt::format("{}; {} fewer per operation, event {}", basis_text(cell),
                                 significant(cell.interrupts_avoided), cell.interrupts_source)});
  }
  if (cell.plan.nr_responders > 0) {
    facts.push_back({"stolen from responders",
                     fmt::format("{} / {}", duration(cell.a.stolen_ns.estimate),
                                 duration(cell.b.stolen_ns.estimate)),
                     "per operation, A / B, all responders together, in interrupts alone"});
    facts.push_back(distance_fact(cell));
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
  std::vector<Fact> facts = {
      {"flush requests A / B", expected(cell.a) + " / " + expected(cell.b),
       "per operation, as the engine expects"},
      {"interrupts A / B", text(cell.a) + " / " + text(cell.b),
       "per operation, handled on responders"},
      {"account", account_verdict(cell).text, "whether the counts match each other"}};
  if (cell.plan.nr_responders > 0) facts.push_back(distance_fact(cell));
  return facts;
}

Section machine_section(const RunDescription& run) {
  Section section;
  section.id = "machine";
  section.title = "The machine";
  section.paragraphs.push_back(run.machine_kind + ": " + run.machine_line);
  section.tables = machine_tables(run);
  return section;
}

Section missing_section(const StudyResult& study) {
  Section section;
  section.id = "counters";
  section.title = "Counters that this machine did not give";
  if (study.counters_missing.empty()) {
    section.paragraphs.emplace_back("None: every event that tlblab knows was counted.");
    return section;
  }
  section.paragraphs.emplace_back("Each one with its reason.");
  section.tables.push_back(missing_counters_table(study));
  return section;
}

Section warnings_section(const RunDescription& run) {
  Section section;
  section.id = "warnings";
  section.title = "Warnings";
  section.in_mail = !run.warnings.empty();
  section.paragraphs = run.warnings;
  if (run.warnings.empty()) section.paragraphs.emplace_back("None.");
  return section;
}

Section method_section(const StudyResult& study) {
  Section section;
  section.id = "reproduce";
  section.title = "How this was obtained";
  section.in_mail = true;
  section.paragraphs.push_back(fmt::format(
      "A and B alternate inside one boot, in blocks of {} trials: runs of {} of one arm, the first "
      "of each left out because it takes what the other arm left behind; each four runs are ABBA "
      "or BAAB at random (seed {}). Memory is prepared outside the timed window.",
      kTrialsPerBlock, kTrialsPerRun, study.plan.seed));
  if (shows_time(study)) {
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
  if (!shows_time(study)) {
    table.rows = {{{{"adds up"}, {"every count that must match another does"}}},
                  {{{"contradiction"}, {"two counts that must match do not; the term is named"}}},
                  {{{"unknown"}, {"nothing on this machine measured it, which is not zero"}}}};
  } else {
    const Criteria& criteria = study.plan.criteria;
    const auto word = [](statistics::Verdict verdict) {
      return std::string(statistics::name(verdict));
    };
    using statistics::Verdict;
    table.rows = {
        {{{word(Verdict::kDifferent)},
          {fmt::format(
              "A and B differ by more than chance explains: p of at most {:g} after Holm's "
              "adjustment over all cells. How much is the interval's to say; it may be "
              "less than the bound below",
              criteria.alpha)}}},
        {{{word(Verdict::kEquivalent)},
          {fmt::format("whatever difference there is lies within ±{}, of typical calls (medians) "
                       "and of means: both 90 % intervals are inside that bound",
                       percent(criteria.equivalence))}}},
        {{{word(Verdict::kInconclusive)},
          {"neither could be shown; the smallest effect that would have been seen is given"}}},
        {{{word(Verdict::kVoid)},
          {"responders did not run, one arm lost more trials than the other, or an account "
           "contradicts: nothing may be concluded"}}},
        {{{"steady, wandering"},
          {fmt::format("states, not words: wandering is a ratio whose batches depend on each other "
                       "or that missed ±{} in the time allowed. Its interval is then the range of "
                       "what was seen, and its word is taken from that",
                       percent(criteria.width))}}}};
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
  for (auto* facts : {&document.facts, &document.caveats}) {
    for (Fact& fact : *facts) {
      for (std::string* text : {&fact.label, &fact.value, &fact.note}) fix(*text);
    }
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

/// Machine, program and date.
Document frame_of(const RunDescription& run) {
  Document document;
  document.machine_kind = run.machine_kind;
  document.machine_line = run.machine_line;
  document.origin = fmt::format("tlblab {} ({}), started {}", run.tool_version, run.git_revision,
                                run.started_utc);
  return document;
}

}  // namespace

Document build_document(const StudyResult& study, std::span<const CheckResult> checks) {
  const Labels labels(study);
  Document document = frame_of(study);
  document.title = study.plan.name;
  document.question = study.plan.question;
  document.answer = answer_sentence(study);
  document.notices = notices(study);
  if (const CellResult* cell = headline(study); cell != nullptr) {
    if (!shows_time(study)) {
      document.facts = counted_facts(*cell);
    } else if (!cell->sessions.empty()) {
      document.facts = timed_facts(*cell, labels);
    }
    document.caveats = caveats(study);
    document.sections = cell_sections(study, labels);
  }
  for (const CheckResult& check : checks) document.sections.push_back(check_section(check));
  document.sections.push_back(machine_section(study));
  document.sections.push_back(missing_section(study));
  document.sections.push_back(warnings_section(study));
  document.sections.push_back(method_section(study));
  document.sections.push_back(verdicts_section(study));
  clean_all(document);
  return document;
}

Document build_document(const CheckResult& check) {
  Document document = frame_of(check);
  document.title = "check";
  document.question = "Can a freed page still be reached, under any scheme?";
  document.answer = conclusion(check);
  if (check.emulated) {
    document.notices.emplace_back(
        "This ran under emulation. Emulated time is not time, so this report shows none.");
  }
  if (!check.warnings.empty()) {
    document.notices.push_back(fmt::format("{} about the result file: see below.",
                                           plural(check.warnings.size(), "warning")));
  }
  document.sections = {check_section(check), machine_section(check), warnings_section(check)};
  Section repeat;
  repeat.id = "reproduce";
  repeat.title = "How this was obtained";
  repeat.in_mail = true;
  repeat.paragraphs.emplace_back("docs/correctness.md tells how witnesses see. To repeat it:");
  repeat.command = shell_command(check.command);
  document.sections.push_back(std::move(repeat));
  clean_all(document);
  return document;
}

}  // namespace tlblab::report
