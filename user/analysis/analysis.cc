// SPDX-License-Identifier: GPL-2.0-only
// A whole study: reads the file, analyses its cells, weighs them together.
#include "user/analysis/analysis.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "include/tlblab/catalogue.hh"
#include "user/analysis/account_check.hh"
#include "user/analysis/cell_analysis.hh"
#include "user/analysis/cell_builder.hh"
#include "user/analysis/interrupts.hh"
#include "user/analysis/twins.hh"
#include "user/model/steps.hh"
#include "user/records/pool.hh"
#include "user/records/study_file.hh"
#include "user/statistics/controls.hh"

namespace tlblab {
namespace {

using statistics::Verdict;

/// Reads files of one plan, one after the other.
class StudyReader : public records::StudyVisitor {
 public:
  void read(const std::string& path) {
    for (const std::string& warning : records::read_study_file(path, *this)) {
      warnings_.push_back(warning);
    }
    session_offset_ = last_session_;
  }

  void header(records::StudyHeader&& header) override {
    if (cells_.empty()) {
      header_ = std::move(header);
      for (const CellPlan& plan : header_.plan.cells) cells_.emplace_back(plan);
      return;
    }
    records::pool(header_.plan, header.plan);
    later_runs_.push_back(std::move(header));
  }
  void later_run(records::RunHeader&& run) override { later_runs_.push_back(std::move(run)); }
  void session(const records::TrialPlace& place, records::SessionBegin&& begin) override {
    const unsigned session = session_offset_ + place.session;
    last_session_ = std::max(last_session_, session);
    cells_[place.cell].begin(session, begin);
  }
  void block(const records::TrialPlace& place, const records::Block& block) override {
    cells_[place.cell].add(block);
  }
  void interrupted(const records::TrialPlace& place, std::size_t nr_trials) override {
    cells_[place.cell].add_interrupted(nr_trials);
  }
  void count(const records::TrialPlace& place, records::CountTrial&& trial) override {
    cells_[place.cell].add(trial);
  }
  void probe(const records::TrialPlace& place, records::ProbeTrial&& trial) override {
    cells_[place.cell].add(std::move(trial));
  }
  void end(const records::TrialPlace& place, const std::string& reason) override {
    cells_[place.cell].end(reason);
  }

  [[nodiscard]] const records::StudyHeader& first_header() const { return header_; }
  [[nodiscard]] const std::vector<records::RunHeader>& later_runs() const { return later_runs_; }
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

  [[nodiscard]] std::size_t nr_steps_done() const {
    return std::accumulate(
        cells_.begin(), cells_.end(), std::size_t{0},
        [](std::size_t sum, const CellBuilder& cell) { return sum + cell.nr_sessions_ended(); });
  }

  /// Those of which something is there, in the plan's order.
  std::vector<CellResult> finish() {
    double origin_s = std::numeric_limits<double>::infinity();
    for (const CellBuilder& cell : cells_) origin_s = std::min(origin_s, cell.first_block_s());
    std::vector<CellResult> results;
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      CellResult cell = cells_[i].finish(origin_s);
      cell.plan = header_.plan.cells[i];  // pooling may have asked for more sessions
      if (!cell.sessions.empty() || cell.nr_dropped_blocks > 0 || cell.nr_count_trials > 0) {
        results.push_back(std::move(cell));
      }
    }
    return results;
  }

 private:
  records::StudyHeader header_;
  std::vector<records::RunHeader> later_runs_;
  std::vector<CellBuilder> cells_;
  std::vector<std::string> warnings_;
  unsigned session_offset_ = 0;
  unsigned last_session_ = 0;
};

/// Holm-adjusts what `p_of` gives for each cell of `family`, and gives it to `set`.
template <typename P, typename Set>
void adjust(const std::vector<CellResult*>& family, const P& p_of, const Set& set) {
  std::vector<double> p_values(family.size());
  std::transform(family.begin(), family.end(), p_values.begin(),
                 [&](const CellResult* cell) { return p_of(*cell); });
  const std::vector<double> adjusted = statistics::holm(p_values);
  for (std::size_t i = 0; i < family.size(); ++i) set(*family[i], adjusted[i]);
}

/// Claims of the cells to compare that do not stand beside the A/A controls are taken back.
void hold_against_controls(StudyResult& study) {
  const Criteria& criteria = study.plan.criteria;
  std::vector<statistics::Claim> controls;
  const CellResult* worst = nullptr;
  double smallest = std::numeric_limits<double>::infinity();
  for (const CellResult& cell : study.cells) {
    if (!cell.untimed.empty() || cell.verdict == Verdict::kVoid) continue;
    if (cell.plan.role == CellRole::kSame) {
      const statistics::Claim& claim = cell.evidence.typical;
      controls.push_back(claim);
      const double stray = statistics::farthest_stray(std::span(&claim, 1));
      if (worst == nullptr || stray >= statistics::farthest_stray(controls)) worst = &cell;
    } else {
      smallest = std::min(
          smallest, statistics::claimed_effect(cell.verdict, cell.evidence.typical, criteria));
    }
  }
  if (worst == nullptr) return;
  study.control_stray = statistics::farthest_stray(controls);
  study.controls_pass = study.control_stray <= statistics::kControlShare * smallest;
  for (CellResult& cell : study.cells) {
    if (cell.plan.role != CellRole::kCompare || !cell.untimed.empty()) continue;
    if (statistics::stands(cell.verdict, cell.evidence, study.control_stray, smallest, criteria)) {
      continue;
    }
    cell.verdict_reason = fmt::format(
        "it would be {}, but the A/A control {}{} reaches {:.2g} % from 1, where nothing differs: "
        "what is seen here is not beyond that",
        name(cell.verdict), worst->plan.id,
        worst->state == statistics::State::kWandering ? ", which wandered," : "",
        100 * std::expm1(study.control_stray));
    cell.verdict = Verdict::kInconclusive;
  }
}

/// Holm over each role apart: the controls are a family of their own, so that more cells to
/// compare do not hide a control that failed.
void adjust_and_judge(StudyResult& study) {
  for (const CellRole role : {CellRole::kSame, CellRole::kCompare}) {
    std::vector<CellResult*> family;
    for (CellResult& cell : study.cells) {
      if (cell.plan.role == role && cell.untimed.empty()) family.push_back(&cell);
    }
    adjust(
        family, [](const CellResult& cell) { return cell.p_value; },
        [](CellResult& cell, double p) { cell.adjusted_p = p; });
    adjust(
        family, [](const CellResult& cell) { return cell.position_p; },
        [&](CellResult& cell, double p) {
          cell.position_p = p;
          cell.outlasts_lead_in = p <= study.plan.criteria.alpha;
        });
  }
  for (CellResult& cell : study.cells) judge_cell(cell, study.plan.criteria);
  hold_against_controls(study);
}

/// What the rules need and this file does not hold.
std::vector<std::string> lacking(const StudyResult& study) {
  std::vector<std::string> lacks;
  const auto any = [&](const auto& of) {
    return std::any_of(study.cells.begin(), study.cells.end(), of);
  };
  if (any([](const CellResult& cell) { return cell.alternated; })) {
    lacks.emplace_back(
        "an early file, whose arms alternate trial by trial: only trials that follow one of their "
        "own arm are used, and whether what an arm leaves behind lasts longer than one trial "
        "can't be told");
  }
  for (const CellResult& cell : study.cells) {
    if (cell.plan.role != CellRole::kCompare || !cell.untimed.empty() || !cell.plan.headline) {
      continue;
    }
    for (const std::string& scheme : {cell.plan.a, cell.plan.b}) {
      const bool controlled = any([&](const CellResult& other) {
        return other.plan.role == CellRole::kSame && other.plan.a == scheme &&
               other.untimed.empty();
      });
      if (!controlled) lacks.push_back(fmt::format("no A/A control of {}", scheme));
    }
  }
  return lacks;
}

/// How a later run differs from the first, in what a result may depend on; empty: in nothing.
std::string changes(const records::RunHeader& first, const records::RunHeader& later) {
  std::vector<std::string> changed;
  const auto compare = [&](const char* what, const auto& before, const auto& after) {
    if (before != after) changed.emplace_back(what);
  };
  compare("tlblab's release", first.version, later.version);
  compare("tlblab's revision", first.git, later.git);
  compare("the kernel's build", first.machine.kernel_version, later.machine.kernel_version);
  compare("the command line", first.machine.command_line, later.machine.command_line);
  compare("the microcode", first.machine.microcode, later.machine.microcode);
  compare("the mitigations", first.machine.mitigations, later.machine.mitigations);
  compare("the settings", first.machine.settings, later.machine.settings);
  return fmt::format("{}", fmt::join(changed, ", "));
}

/// Warnings about runs that went on in a file which another began.
std::vector<std::string> later_runs(const StudyReader& file) {
  std::vector<std::string> warnings;
  for (const records::RunHeader& run : file.later_runs()) {
    const std::string changed = changes(file.first_header(), run);
    if (!changed.empty()) {
      warnings.push_back(fmt::format("the run that went on at {} differs from the first in {}",
                                     run.started_utc, changed));
    }
  }
  return warnings;
}

/// Emulated time is no time, and a lab's alone says little: what an engine timed inside goes where
/// the cell's other times go.
void drop_times(ArmResult& arm) {
  for (const catalogue::Term& term : catalogue::kTerms) {
    if (term.counted == catalogue::Counted::kTimed) arm.engine_account.erase(term.name);
  }
}

}  // namespace

StudyResult analyse_file(const std::string& path) { return analyse_files(std::span(&path, 1)); }

StudyResult analyse_files(std::span<const std::string> paths) {
  StudyReader file;
  for (const std::string& path : paths) file.read(path);
  const records::StudyHeader& header = file.first_header();
  StudyResult study;
  static_cast<RunDescription&>(study) = describe(header);
  for (const records::RunHeader& run : file.later_runs()) add_later_run(study, run);
  study.plan = header.plan;
  study.summaries = header.summaries;
  study.counters_missing = header.counters_missing;
  study.counters = header.counters;
  study.flush_ceiling_pages = header.machine.flush_ceiling_pages;
  study.warnings.insert(study.warnings.end(), file.warnings().begin(), file.warnings().end());
  const std::vector<std::string> of_runs = later_runs(file);
  study.warnings.insert(study.warnings.end(), of_runs.begin(), of_runs.end());
  study.nr_steps_done = file.nr_steps_done();
  study.nr_steps = steps_of(study.plan).size();
  study.complete = study.nr_steps_done == study.nr_steps;
  study.cells = file.finish();
  const std::vector<CpuDistance> distances = recorded_distances(header, file.later_runs());
  for (CellResult& cell : study.cells) {
    cell.distances = responder_distances(cell.plan, study.plan.cpus, distances);
    cell.shootdown = shootdown_of(header.machine);
    if (cell.miscount.empty()) cell.miscount = contradiction_outside(cell);
  }
  pair_twins(study.cells);
  price_interrupts(study.cells);
  if (!study.complete) {
    study.warnings.push_back(
        fmt::format("the study is unfinished: {} of {} steps (a cell in a session) have ended",
                    study.nr_steps_done, study.nr_steps));
  }
  adjust_and_judge(study);
  study.lacks = lacking(study);
  judge_agreement(study.cells);
  for (CellResult& cell : study.cells) {
    if (shows_time(study, cell)) continue;
    drop_times(cell.a);
    drop_times(cell.b);
  }
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
