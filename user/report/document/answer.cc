// SPDX-License-Identifier: GPL-2.0-only
// The answer in one sentence.
#include "user/report/document/answer.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "user/analysis/cell_analysis.hh"
#include "user/analysis/deliveries.hh"
#include "user/report/document/format.hh"
#include "user/report/document/probe.hh"

namespace tlblab::report {
namespace {

using statistics::Verdict;

/// "one munmap over all VMAs (B)": the engine's own words, or the name where they are not known.
std::string in_words(const StudyResult& study, const std::string& scheme, char letter) {
  const auto summary = study.summaries.find(scheme);
  return fmt::format("{} ({})", summary == study.summaries.end() ? scheme : summary->second,
                     letter);
}

std::string on_what(const CellResult& cell) {
  const CellPlan& plan = cell.plan;
  return fmt::format("on {} of {}, {}", plural(plan.shape.nr_vmas, "VMA"),
                     plural(plan.shape.pages_per_vma, "page"),
                     plan.nr_responders == 0
                         ? "with no other CPU in the address space"
                         : plural(plan.nr_responders, "other CPU") + " responding");
}

std::string how_sure(const CellResult& cell) {
  if (cell.scope == statistics::Scope::kNothing) return "no interval: " + where(cell);
  const bool ranges =
      cell.state == statistics::State::kWandering && cell.scope != statistics::Scope::kMachine;
  return fmt::format("{}, {}", ranges ? "it wandered: the range of what was seen" : "95 % interval",
                     where(cell));
}

std::string who_pays(const CellResult& cell) {
  const std::string caller =
      fmt::format("the caller waits {} under A and {} under B",
                  duration(cell.a.latency_ns.estimate), duration(cell.b.latency_ns.estimate));
  if (cell.plan.nr_responders == 0) return caller;
  return fmt::format("{}, and the other CPU{} lose{} {} against {} per call{}", caller,
                     cell.plan.nr_responders == 1 ? "" : "s together",
                     cell.plan.nr_responders == 1 ? "s" : "", duration(cell.a.stolen_ns.estimate),
                     duration(cell.b.stolen_ns.estimate), loss_addendum(cell));
}

/// What the modules' own accounts of all cells come to; empty when none looked inside.
std::string inside_answer(const StudyResult& study) {
  const auto looked = static_cast<std::size_t>(
      std::count_if(study.cells.begin(), study.cells.end(), [](const CellResult& cell) {
        return !cell.a.engine_account.empty() || !cell.b.engine_account.empty();
      }));
  if (looked == 0) return "";
  if (const std::size_t wrong = nr_miscounted(study); wrong > 0) {
    return fmt::format(" In {} of {} the account contradicts what is due.", wrong,
                       plural(looked, "cell"));
  }
  return fmt::format(
      " In {} the module counted, in every operation, just the flush requests that are due.",
      looked == 1 ? "its one cell" : fmt::format("all {} cells", looked));
}

/// What no count of interrupts shows; empty where there is nothing, or no probe that would see it.
std::string unseen_answer(const CellResult& cell) {
  std::string text;
  for (const auto& [letter, arm] : {std::pair{'A', &cell.a}, {'B', &cell.b}}) {
    const std::optional<Derived> unseen = derive(*arm, deliveries_of(cell).unseen);
    if (!unseen || unseen->mean <= 0) continue;
    text += fmt::format("; {} of {}'s flush requests per call were served without an interrupt",
                        significant(unseen->mean), letter);
  }
  return text;
}

std::string interrupts_answer(const StudyResult& study, const CellResult& cell) {
  if (cell.a.engine_account.contains("dsb_ish")) {
    return "; no CPU is interrupted here, flushes are broadcast in hardware.";
  }
  if (cell.plan.nr_responders == 0) return ".";
  if (cell.interrupts_source.empty()) return ", and nothing here could count interrupts.";
  const auto mean = [&](const ArmResult& arm) {
    return significant(arm.responder_counts.at(cell.interrupts_source).mean);
  };
  return fmt::format("; {}, {} caused {} interrupts per call and {} caused {}{}.", on_what(cell),
                     in_words(study, cell.plan.a, 'A'), mean(cell.a),
                     in_words(study, cell.plan.b, 'B'), mean(cell.b), unseen_answer(cell));
}

std::string counts_answer(const StudyResult& study, const CellResult& cell) {
  return (study.emulated ? "This machine is emulated, so no time is claimed"
                         : "No time is claimed") +
         interrupts_answer(study, cell) + inside_answer(study);
}

/// ", and the stock kernel agrees (5.1x ...)", where the cell has a twin.
std::string twin_answer(const StudyResult& study, const CellResult& cell) {
  if (!cell.twin) return "";
  const std::string twin = ratio_interval(study.cells.at(*cell.twin).ratio);
  switch (cell.agreement) {
    case Agreement::kYes:
      return fmt::format(", and the stock kernel agrees ({})", twin);
    case Agreement::kNo:
      return fmt::format(", but the stock kernel does not agree ({})", twin);
    case Agreement::kOpen:
      return fmt::format(", and whether the stock kernel agrees is not decided ({})", twin);
    case Agreement::kNone:
      break;
  }
  return "";
}

std::string capitalised(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z') text.front() -= 'a' - 'A';
  return text;
}

std::string same_scheme_answer(const StudyResult& study, const CellResult& cell) {
  return capitalised(fmt::format(
      "{} takes {} ({}), {}{}.", in_words(study, cell.plan.a, 'A'),
      duration_interval(cell.a.latency_ns), how_sure(cell), on_what(cell),
      cell.verdict == Verdict::kDifferent ? "; but two halves of the same trials differ, so the "
                                            "machine or the tool is not to be trusted here"
                                          : ""));
}

/// What was found before the run, and did not keep it from running.
std::string trouble_answer(const StudyResult& study) {
  if (study.trouble.empty() || !shows_time(study)) return "";
  return fmt::format(" Right before, this machine was found unfit for a run: {}.",
                     fmt::join(study.trouble, ", "));
}

std::string verdict_answer(const StudyResult& study) {
  const CellResult* cell = headline(study);
  if (cell == nullptr) return "There is no answer: the file holds no complete block of any cell.";
  if (!shows_time(study)) return counts_answer(study, *cell);
  if (cell->plan.role == CellRole::kSame) return same_scheme_answer(study, *cell);

  const std::string a = in_words(study, cell->plan.a, 'A');
  const std::string b = in_words(study, cell->plan.b, 'B');
  const std::string measured = fmt::format("A/B is {} ({}){}", ratio_interval(cell->ratio),
                                           how_sure(*cell), twin_answer(study, *cell));
  switch (cell->verdict) {
    case Verdict::kDifferent: {
      const bool b_wins = cell->ratio.estimate > 1;
      return capitalised(fmt::format("{} beats {} {}: {}; {}.", b_wins ? b : a, b_wins ? a : b,
                                     on_what(*cell), measured, who_pays(*cell)));
    }
    case Verdict::kEquivalent:
      return capitalised(fmt::format("{} and {} are equivalent within {} {}: {}; {}.", a, b,
                                     percent(study.plan.criteria.equivalence), on_what(*cell),
                                     measured, who_pays(*cell)));
    case Verdict::kInconclusive:
      return fmt::format("Whether {} beats {} {} stays open: {}; {}.", b, a, on_what(*cell),
                         measured, cell->verdict_reason);
    case Verdict::kVoid:
      return fmt::format("There is no answer, this run is void: {}.", cell->verdict_reason);
  }
  return "";
}

}  // namespace

std::string answer_sentence(const StudyResult& study) {
  return verdict_answer(study) + trouble_answer(study);
}

}  // namespace tlblab::report
