// SPDX-License-Identifier: GPL-2.0-only
// Runs a plan step by step, and finds out what of it is done already.
#include "user/experiment/study_run.hh"

#include <fmt/format.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "user/counters/counters.hh"
#include "user/counters/events.hh"
#include "user/experiment/header.hh"
#include "user/experiment/measuring_process.hh"
#include "user/model/machine_finding.hh"
#include "user/model/steps.hh"
#include "user/records/lines.hh"
#include "user/records/study_file.hh"
#include "user/records/writer.hh"
#include "user/support/clock.hh"
#include "user/support/error.hh"
#include "user/support/interruption.hh"

namespace tlblab {
namespace {

namespace fs = std::filesystem;

/// What of a step is in a file.
struct StepDone {
  std::vector<statistics::ArmPair> medians;  ///< of the blocks that count
  std::uint32_t next_block = 0;
  double seconds = 0;  ///< of measuring
  bool ended = false;
};

/// Reads how far a file has come.
class ProgressReader : public records::StudyVisitor {
 public:
  void header(records::StudyHeader&& header) override { plan_ = std::move(header.plan); }

  void block(const records::TrialPlace& place, const records::Block& block) override {
    StepDone& step = done_[{place.cell, place.session}];
    if (const auto figures = statistics::block_figures(block.trials)) {
      step.medians.push_back(figures->median);
    }
    step.next_block = std::max(step.next_block, block.index + 1);
    step.seconds = std::max(step.seconds, block.seconds);
    if (place.session < latest_.first) return;
    const bool later = place.session > latest_.first;
    latest_ = {place.session, later ? block.time_s : std::min(latest_.second, block.time_s)};
  }

  void end(const records::TrialPlace& place, const std::string& /*reason*/) override {
    StepDone& step = done_[{place.cell, place.session}];
    step.ended = true;
    step.medians = {};  // they are for whoever goes on
  }

  [[nodiscard]] const StudyPlan& plan() const { return plan_; }

  [[nodiscard]] StepDone done(const StudyStep& step) const {
    const auto found = done_.find({step.cell_index, step.session});
    return found == done_.end() ? StepDone{} : found->second;
  }

  /// The latest session of which something is in the file, and when its first block began.
  [[nodiscard]] std::pair<unsigned, double> latest_start() const { return latest_; }

 private:
  StudyPlan plan_;
  std::map<std::pair<std::size_t, unsigned>, StepDone> done_;
  std::pair<unsigned, double> latest_{0, 0};
};

/// Work left in a file: the steps that have not ended, each with what was measured of it.
std::vector<CellJob> jobs_left(const std::string& path, const ProgressReader& file) {
  const StudyPlan& plan = file.plan();
  std::vector<CellJob> jobs;
  for (const StudyStep& step : steps_of(plan)) {
    StepDone done = file.done(step);
    if (done.ended) continue;
    CellJob job;
    job.results_path = path;
    job.seed = plan.seed;
    job.cell_index = step.cell_index;
    job.session = step.session;
    job.count_trials = plan.count_trials;
    job.cpus = plan.cpus;
    job.cell = plan.cells.at(step.cell_index);
    job.prior_medians = std::move(done.medians);
    job.first_block = done.next_block;
    job.prior_seconds = done.seconds;
    jobs.push_back(std::move(job));
  }
  return jobs;
}

double expected_seconds(const CellJob& job) {
  if (!job.cell.timed) return 0;
  return std::max(0.0, job.cell.stopping.min_seconds - job.prior_seconds);
}

/// Estimates time left from how much longer than their minimum the cells so far took.
class TimeLeft {
 public:
  explicit TimeLeft(const std::vector<CellJob>& jobs) : begin_ns_(now_ns()) {
    for (const CellJob& job : jobs) planned_left_ += expected_seconds(job);
  }
  void ended(const CellJob& job) {
    planned_left_ -= expected_seconds(job);
    planned_done_ += expected_seconds(job);
  }
  [[nodiscard]] double elapsed_s() const { return static_cast<double>(now_ns() - begin_ns_) / 1e9; }
  [[nodiscard]] double left_s(double in_cell_s) const {
    const double stretch =
        planned_done_ > 0 ? std::max(1.0, (elapsed_s() - in_cell_s) / planned_done_) : 1.0;
    return std::max(0.0, planned_left_ * stretch - in_cell_s);
  }

 private:
  std::uint64_t begin_ns_;
  double planned_left_ = 0;
  double planned_done_ = 0;
};

double epoch_s() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// Keeps the starts of sessions apart.
class SessionPace {
 public:
  SessionPace(double gap_s, const std::pair<unsigned, double>& latest)
      : gap_s_(gap_s), session_(latest.first), start_s_(latest.second) {}

  /// Returns when a step of `session` may start; false when a signal came first. `tell` hears now
  /// and then how long that will take.
  template <typename Tell>
  bool wait_for(unsigned session, const Tell& tell) {
    if (session == session_) return true;
    while (session_ != 0 && epoch_s() < start_s_ + gap_s_) {
      if (interrupted()) return false;
      tell(start_s_ + gap_s_ - epoch_s());
      usleep(200'000);
    }
    session_ = session;
    start_s_ = epoch_s();
    return true;
  }

 private:
  double gap_s_;
  unsigned session_;
  double start_s_;
};

/// Steps are taken in one order only, so a file is finished when its last record ends the last one.
bool is_finished(const std::string& path) {
  const auto record = nlohmann::json::parse(records::Writer::last_line(path), nullptr, false);
  const std::string header = records::read_header_line(path);
  const StudyStep end = steps_of(records::decode_study_header(header, path).plan).back();
  return record.is_object() && record.value("record", "") == "cell_end" &&
         record.at("cell") == end.cell_index && record.at("session") == end.session;
}

/// Why a run of `plan` can't go on in that file, whatever it is; empty when it can.
std::string why_not(const std::string& path, const StudyPlan& plan) {
  try {
    const std::string line = records::read_header_line(path);
    return why_not_resumable(records::decode_study_header(line, path), plan);
  } catch (const Error& error) {
    return error.what();
  }
}

/// Keeps the kernel's tracepoints switched on from the first cell to the last. For a study without
/// times only: they cost time everywhere. Without it each cell switches them, which takes longer
/// than its counting, and rewrites kernel code: an emulator was seen to crash its guest over that.
std::unique_ptr<counters::CounterSet> hold_tracepoints(const StudyPlan& plan) {
  const bool timed = std::any_of(plan.cells.begin(), plan.cells.end(),
                                 [](const CellPlan& cell) { return cell.timed; });
  if (timed) return nullptr;
  // Only these: other events would take the processor's counters from the cells.
  static const std::vector<counters::Event> tracepoints = [] {
    std::vector<counters::Event> events;
    std::copy_if(counters::catalogue().begin(), counters::catalogue().end(),
                 std::back_inserter(events), [](const counters::Event& event) {
                   return event.kind == counters::EventKind::kTracepoint;
                 });
    return events;
  }();
  const counters::Subject here{gettid(), sched_getcpu()};
  return std::make_unique<counters::CounterSet>(here, std::vector{here}, tracepoints);
}

}  // namespace

StudyOutcome run_study(const StudyPlan& plan, const std::string& path, const RunOrigin& origin,
                       const std::function<void(const StudyProgress&)>& progress) {
  const auto tracepoints = hold_tracepoints(plan);
  const bool goes_on = fs::exists(path);
  if (!goes_on) records::Writer::create(path, make_header(plan, origin));
  const std::string obstacle = why_not(path, plan);
  if (!obstacle.empty()) {
    throw Error(ExitStatus::kUsage, fmt::format("cannot go on in {}: {}", path, obstacle),
                "Name another --output, or move that file away.");
  }
  records::Writer writer(path);  // holds the lock alone; the measuring processes append
  writer.lock();
  records::Writer::mend(path);
  ProgressReader file;
  static_cast<void>(records::read_study_file(path, file));  // the report tells its warnings
  const std::vector<CellJob> jobs = jobs_left(path, file);
  if (goes_on && !jobs.empty()) {
    records::Writer run(path);
    run.add_line(records::encode_later_run(describe_run(origin)));
    run.commit();
  }

  TimeLeft time(jobs);
  SessionPace pace(plan.session_gap_s, file.latest_start());
  StudyProgress status;
  status.total = jobs.size();
  for (const CellJob& job : jobs) {
    if (interrupted()) return StudyOutcome::kInterrupted;
    status.cell = &job.cell;
    status.session = job.session;
    const auto tell_wait = [&](double seconds) {
      status.waits_s = seconds;
      status.elapsed_s = time.elapsed_s();
      progress(status);
    };
    if (!pace.wait_for(job.session, tell_wait)) return StudyOutcome::kInterrupted;
    status.waits_s = 0;
    const auto tell = [&](const CellProgress& in_cell) {
      status.in_cell = in_cell;
      status.elapsed_s = time.elapsed_s();
      status.left_s = time.left_s(in_cell.seconds - job.prior_seconds);
      progress(status);
    };
    tell({job.prior_medians.size(), job.prior_seconds});
    if (measure_in_process(job, tell) == CellOutcome::kInterrupted) {
      return StudyOutcome::kInterrupted;
    }
    time.ended(job);
    ++status.done;
  }
  return StudyOutcome::kComplete;
}

void hold_first_arm(const StudyPlan& plan, const std::function<void(std::size_t)>& told) {
  CellJob job;
  job.hold = true;
  job.cpus = plan.cpus;
  job.cell = plan.cells.at(0);
  measure_in_process(job, [&](const CellProgress& progress) { told(progress.nr_blocks); });
}

std::string find_unfinished(const StudyPlan& plan, const std::string& folder) {
  std::vector<fs::path> candidates;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().string().ends_with(records::kFileEnding)) candidates.push_back(entry.path());
  }
  std::sort(candidates.rbegin(), candidates.rend());  // names carry the time, newest first
  for (const fs::path& path : candidates) {
    if (!why_not(path, plan).empty()) continue;
    return is_finished(path) ? "" : path.string();
  }
  return "";
}

}  // namespace tlblab
