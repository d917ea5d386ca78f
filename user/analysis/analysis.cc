// SPDX-License-Identifier: GPL-2.0-only
// A whole study: reads the file, analyses its cells, weighs them together.
#include "user/analysis/analysis.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "user/analysis/cell_analysis.hh"
#include "user/analysis/twins.hh"
#include "user/model/steps.hh"
#include "user/records/study_file.hh"

namespace tlblab {
namespace {

using statistics::Verdict;

double first_block_time(const records::StudyFile& file) {
  double first = std::numeric_limits<double>::infinity();
  for (const auto& cell : file.cells) {
    for (const auto& session : cell.sessions) {
      for (const auto& block : session.blocks) first = std::min(first, block.time_s);
    }
  }
  return first;
}

std::size_t steps_done(const records::StudyFile& file) {
  std::size_t done = 0;
  for (const auto& cell : file.cells) {
    done += static_cast<std::size_t>(
        std::count_if(cell.sessions.begin(), cell.sessions.end(),
                      [](const auto& session) { return !session.stop_reason.empty(); }));
  }
  return done;
}

/// The farthest that any A/A control strayed from 1 (in logs, interval included), if one of them
/// came out different. Effects no larger than that can't be told from the control's own error.
std::optional<std::pair<double, const CellResult*>> failed_control(const StudyResult& study) {
  std::optional<std::pair<double, const CellResult*>> worst;
  for (const CellResult& cell : study.cells) {
    if (cell.plan.role != CellRole::kSame || cell.verdict != Verdict::kDifferent) continue;
    const double stray =
        std::max(std::abs(std::log(cell.ratio.low)), std::abs(std::log(cell.ratio.high)));
    if (!worst || stray > worst->first) worst = {stray, &cell};
  }
  return worst;
}

/// Holm over each role apart: the controls are a family of their own, so that more cells to
/// compare do not hide a control that failed.
void adjust_and_judge(StudyResult& study) {
  for (const CellRole role : {CellRole::kSame, CellRole::kCompare}) {
    std::vector<CellResult*> family;
    std::vector<double> p_values;
    for (CellResult& cell : study.cells) {
      if (cell.plan.role != role || !cell.untimed.empty()) continue;
      family.push_back(&cell);
      p_values.push_back(cell.p_value);
    }
    const std::vector<double> adjusted = statistics::holm(p_values);
    for (std::size_t i = 0; i < family.size(); ++i) {
      family[i]->adjusted_p = adjusted[i];
    }
  }
  for (CellResult& cell : study.cells) judge_cell(cell, study.plan.criteria);
  const auto failed = failed_control(study);
  if (!failed) return;
  for (CellResult& cell : study.cells) {
    if (cell.plan.role != CellRole::kCompare || cell.verdict == Verdict::kVoid) continue;
    if (!cell.untimed.empty()) continue;
    if (std::abs(std::log(cell.ratio.estimate)) > failed->first) continue;
    cell.verdict = Verdict::kVoid;
    cell.verdict_reason = fmt::format(
        "the A/A control {} came out different, by as much as this cell's effect: the machine or "
        "the tool favours one arm",
        failed->second->plan.id);
  }
}

}  // namespace

StudyResult analyse_file(const std::string& path) {
  const records::StudyFile file = records::read_study_file(path);
  StudyResult study;
  static_cast<RunDescription&>(study) = describe(file.header);
  study.plan = file.header.plan;
  study.summaries = file.header.summaries;
  study.counters_missing = file.header.counters_missing;
  study.flush_ceiling_pages = file.header.machine.flush_ceiling_pages;
  study.warnings.insert(study.warnings.end(), file.warnings.begin(), file.warnings.end());
  study.nr_steps_done = steps_done(file);
  study.nr_steps = steps_of(study.plan).size();
  study.complete = study.nr_steps_done == study.nr_steps;
  const double origin_s = first_block_time(file);
  for (std::size_t i = 0; i < file.cells.size(); ++i) {
    CellResult cell = analyse_cell(study.plan.cells.at(i), file.cells[i], origin_s);
    if (!cell.sessions.empty() || cell.nr_dropped_blocks > 0 || cell.nr_count_trials > 0)
      study.cells.push_back(std::move(cell));
  }
  pair_twins(study.cells);
  if (!study.complete) {
    study.warnings.push_back(
        fmt::format("the study is unfinished: {} of {} steps (a cell in a session) have ended",
                    study.nr_steps_done, study.nr_steps));
  }
  adjust_and_judge(study);
  judge_agreement(study.cells);
  return study;
}

bool shows_time(const StudyResult& study, const CellResult& cell) {
  return !study.emulated && cell.untimed.empty();
}

bool shows_time(const StudyResult& study) {
  // Without any cell there is no time to hide either.
  return study.cells.empty()
             ? !study.emulated
             : std::any_of(study.cells.begin(), study.cells.end(),
                           [&](const auto& cell) { return shows_time(study, cell); });
}

std::size_t nr_miscounted(const StudyResult& study) {
  return static_cast<std::size_t>(
      std::count_if(study.cells.begin(), study.cells.end(),
                    [](const CellResult& cell) { return !cell.miscount.empty(); }));
}

const CellResult* headline(const StudyResult& study) {
  const CellResult* best = nullptr;
  const auto rank = [&study](const CellResult& cell) {
    return std::tuple{shows_time(study, cell), cell.plan.headline,
                      cell.plan.role == CellRole::kCompare, cell.plan.nr_responders > 0,
                      cell.plan.shape.nr_pages()};
  };
  for (const CellResult& cell : study.cells) {
    if (best == nullptr || rank(cell) > rank(*best)) best = &cell;
  }
  return best;
}

}  // namespace tlblab
