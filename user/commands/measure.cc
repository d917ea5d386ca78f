// SPDX-License-Identifier: GPL-2.0-only
// `tlblab run`, `ab` and `study`: plan, measure, say what came out.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "user/analysis/analysis.hh"
#include "user/commands/commands.hh"
#include "user/commands/progress_bar.hh"
#include "user/commands/result_path.hh"
#include "user/commands/summary.hh"
#include "user/experiment/study_run.hh"
#include "user/model/cpu_list.hh"
#include "user/report/document/answer.hh"
#include "user/report/files.hh"
#include "user/support/error.hh"
#include "user/topology/cpu_lock.hh"
#include "user/topology/disturbance.hh"
#include "user/topology/placement.hh"

namespace tlblab {
namespace {

/// Shorter than `doctor` looks: only a machine that is plainly busy is to be caught.
constexpr double kLookSeconds = 0.3;

std::vector<int> chosen_cpus(const MeasureOptions& options) {
  return options.cpus.empty() ? placement_order(options.placement) : parse_cpu_list(options.cpus);
}

unsigned responder_count(const std::string& text, const std::vector<int>& cpus) {
  const auto others = static_cast<unsigned>(cpus.size()) - 1;
  if (text == "all") return others;
  unsigned count = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc{} || stop != end || count > others) {
    throw Error(ExitStatus::kUsage, fmt::format("cannot have \"{}\" responders", text),
                fmt::format("Give a count from 0 to {} (the CPUs besides the initiator's), or all.",
                            others));
  }
  return count;
}

/// --output, or an unfinished file of the same plan, or a new name.
std::string result_path(const StudyPlan& plan, const MeasureOptions& options) {
  if (options.output.empty()) {
    const std::string unfinished = find_unfinished(plan, kResultsFolder);
    if (!unfinished.empty()) {
      fmt::print(stderr, "going on in {}\n", unfinished);
      return unfinished;
    }
  }
  return new_result_path(options.output, plan.name);
}

/// The plan's CPUs that some cell uses.
std::vector<int> used_cpus(const StudyPlan& plan) {
  unsigned most = 0;
  for (const CellPlan& cell : plan.cells)
    most = std::max(most, cell.nr_responders + cell.nr_bystanders);
  return {plan.cpus.begin(), plan.cpus.begin() + 1 + most};
}

/// A short look at the machine; what would disturb the run is printed before it begins.
std::vector<MachineFinding> look_at_machine(const StudyPlan& plan) {
  const bool timed = std::any_of(plan.cells.begin(), plan.cells.end(),
                                 [](const CellPlan& cell) { return cell.timed; });
  if (!timed) return {};  // counts are not disturbed
  const std::vector<int> used = used_cpus(plan);
  Disturbance disturbance = measure_disturbance(used, kLookSeconds);
  disturbance.alone = used.size() == 1 && allowed_cpus().size() > 1;
  std::vector<MachineFinding> findings = judge(disturbance);
  for (const MachineFinding& finding : findings) {
    if (finding.severity < Severity::kWarning) continue;
    fmt::print(stderr, "{}: {}: {}\n         {}\n", name(finding.severity), finding.check,
               finding.seen, finding.advice);
  }
  return findings;
}

/// Measures `plan`; throws Error(kInterrupted) when a signal ended it.
std::string measure(const StudyPlan& plan, const MeasureOptions& options) {
  const CpuLock lock(used_cpus(plan));
  const std::string path = result_path(plan, options);
  const RunOrigin origin{options.argv, look_at_machine(plan),
                         distances(CpuTopology::of_this_machine(), plan.cpus)};
  StudyOutcome outcome;
  {
    ProgressBar bar;
    outcome =
        run_study(plan, path, origin, [&](const StudyProgress& progress) { bar.show(progress); });
  }
  if (outcome == StudyOutcome::kInterrupted) {
    throw Error(
        ExitStatus::kInterrupted, "interrupted",
        fmt::format("What was measured is in {}; the same command goes on from there.", path));
  }
  return path;
}

ExitStatus status_of(const StudyResult& study) {
  const CellResult* cell = headline(study);
  if (cell == nullptr || nr_miscounted(study) > 0) return ExitStatus::kVoid;
  if (!shows_time(study, *cell)) {
    return cell->verdict == statistics::Verdict::kVoid ? ExitStatus::kVoid
                                                       : ExitStatus::kInconclusive;
  }
  switch (cell->verdict) {
    case statistics::Verdict::kDifferent:
      return ExitStatus::kDifferent;
    case statistics::Verdict::kEquivalent:
      return ExitStatus::kOk;
    case statistics::Verdict::kInconclusive:
      return ExitStatus::kInconclusive;
    case statistics::Verdict::kVoid:
      return ExitStatus::kVoid;
  }
  return ExitStatus::kVoid;
}

/// The page's path. The measurements are on disk, so a page that cannot be made (a guest or a
/// server without gnuplot, a full disk) does not fail the study: what was written is named instead,
/// and the command to make the page elsewhere.
std::string written_page(const StudyResult& study, const std::string& path) {
  try {
    const report::WrittenFiles written = report::write_report(study, {}, path, "");
    if (!written.no_page) return written.html;
    return fmt::format("{}; no page, {}; elsewhere: tlblab report {}", written.markdown,
                       written.no_page->what(), path);
  } catch (const Error& error) {
    if (error.status() != ExitStatus::kMachine) throw;
    return fmt::format("not written, {}; elsewhere: tlblab report {}", error.what(), path);
  }
}

/// For --dry-run.
int show_plan(const StudyPlan& plan) {
  double seconds = 0;
  fmt::print("{}: {}\nCPUs {} (initiator first), seed {}, {} session{}\n", plan.name, plan.question,
             format_cpu_list(plan.cpus),
             plan.seed_is_drawn ? "to be drawn" : fmt::format("{}", plan.seed), plan.nr_sessions,
             plan.nr_sessions == 1 ? "" : "s");
  for (const Fact& fact : distance_facts(distances(CpuTopology::of_this_machine(), plan.cpus))) {
    fmt::print("  {} respond: {}\n", fact.first, fact.second);
  }
  for (const CellPlan& cell : plan.cells) {
    const unsigned sessions = std::max(plan.nr_sessions, cell.min_sessions);
    if (cell.timed) seconds += cell.stopping.min_seconds * sessions;
    fmt::print("  {}{}{}{}\n", cell.id,
               cell.headline ? fmt::format("  (headline, sessions: {})", sessions) : "",
               cell.role == CellRole::kSame ? "  (A/A control)" : "",
               cell.timed ? "" : "  (counts only)");
  }
  fmt::print("interval within +-{:.3g} %, equivalent within +-{:.3g} %\n",
             100 * plan.criteria.width, 100 * plan.criteria.equivalence);
  fmt::print("{} cells, at least {:.0f} s of measuring\n", plan.cells.size(), seconds);
  return static_cast<int>(ExitStatus::kOk);
}

/// `run --hold`.
int hold(const StudyPlan& plan) {
  const CpuLock lock(used_cpus(plan));
  fmt::print(stderr, "{} on CPU {}, until Ctrl-C; e.g. perf record -a -C {}, or bpftrace\n",
             plan.cells.at(0).a, plan.cpus.front(), format_cpu_list(used_cpus(plan)));
  std::size_t nr_operations = 0;
  hold_first_arm(plan, [&](std::size_t so_far) { nr_operations = so_far; });
  fmt::print("held: {} operations and more, nothing recorded\n", nr_operations);
  return static_cast<int>(ExitStatus::kOk);
}

int measure_pair(const std::string& a, const std::string& b, const ShapeOptions& shape,
                 const MeasureOptions& options) {
  const std::vector<int> cpus = chosen_cpus(options);
  const StudyPlan plan =
      plan_pair(a, b, parse_shape(shape.shape), responder_count(shape.responders, cpus), cpus,
                options.overrides);
  if (options.dry_run) return show_plan(plan);
  if (options.hold) return hold(plan);
  const std::string path = measure(plan, options);
  const StudyResult study = analyse_file(path);
  if (options.as_json) {
    fmt::print("{}\n", summary_json(study).dump(2));
  } else {
    fmt::print("{}", summary_text(study));
    fmt::print("\nraw trials: {}\nreport:     tlblab report {}\nseed:       {}\n", path, path,
               study.plan.seed);
  }
  return static_cast<int>(status_of(study));
}

}  // namespace

int run_run(const std::string& scheme, const ShapeOptions& shape, const MeasureOptions& options) {
  // One scheme against itself: its figures come from both arms, and the arms must agree.
  const int status = measure_pair(scheme, scheme, shape, options);
  return status == static_cast<int>(ExitStatus::kDifferent) ? static_cast<int>(ExitStatus::kVoid)
                                                            : status;
}

int run_ab(const std::string& a, const std::string& b, const ShapeOptions& shape,
           const MeasureOptions& options) {
  return measure_pair(a, b, shape, options);
}

int run_study_command(const std::string& name_or_path, const MeasureOptions& options) {
  StudyOverrides overrides = options.overrides;
  overrides.keep_unavailable = options.dry_run;
  const ExpandedStudy study = load_study(find_study(name_or_path), chosen_cpus(options), overrides);
  for (const std::string& notice : study.notices) fmt::print(stderr, "note: {}\n", notice);
  if (options.dry_run) return show_plan(study.plan);
  const std::string path = measure(study.plan, options);
  const StudyResult result = analyse_file(path);
  const std::string page = written_page(result, path);
  if (options.as_json) {
    fmt::print("{}\n", summary_json(result).dump(2));
  } else {
    fmt::print("{}\n\nreport: {}\nraw:    {}\nseed:   {}\n", report::answer_sentence(result), page,
               path, result.plan.seed);
  }
  const CellResult* cell = headline(result);
  const bool is_void =
      cell == nullptr || cell->verdict == statistics::Verdict::kVoid || nr_miscounted(result) > 0;
  return static_cast<int>(is_void ? ExitStatus::kVoid : ExitStatus::kOk);
}

}  // namespace tlblab
