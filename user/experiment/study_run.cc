// SPDX-License-Identifier: GPL-2.0-only
// Runs a plan step by step, and finds out what of it is done already.
#include "user/experiment/study_run.hh"

#include <fmt/format.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
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

/// Work left in a file: the steps that have not ended, each with what was measured of it.
std::vector<CellJob> jobs_left(const std::string& path, const records::StudyFile& file) {
  const StudyPlan& plan = file.header.plan;
  std::vector<CellJob> jobs;
  for (const StudyStep& step : steps_of(plan)) {
    CellJob job;
    job.results_path = path;
    job.seed = plan.seed;
    job.cell_index = step.cell_index;
    job.session = step.session;
    job.count_trials = plan.count_trials;
    job.cpus = plan.cpus;
    job.cell = plan.cells.at(step.cell_index);
    const auto& sessions = file.cells.at(step.cell_index).sessions;
    const auto found = std::find_if(sessions.begin(), sessions.end(), [&](const auto& session) {
      return session.session == step.session;
    });
    if (found != sessions.end()) {
      if (!found->stop_reason.empty()) continue;
      for (const records::Block& block : found->blocks) {
        if (const auto figures = statistics::block_figures(block.trials)) {
          job.prior_medians.push_back(figures->median);
        }
        job.first_block = std::max(job.first_block, block.index + 1);
        job.prior_seconds = std::max(job.prior_seconds, block.seconds);
      }
    }
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

/// The latest session of which something is in the file, and when its first block began.
std::pair<unsigned, double> latest_start(const records::StudyFile& file) {
  std::pair<unsigned, double> latest{0, 0};
  for (const records::CellRecord& cell : file.cells) {
    for (const records::SessionRecord& session : cell.sessions) {
      if (session.blocks.empty() || session.session < latest.first) continue;
      const double start_s = session.blocks.front().time_s;
      const bool later = session.session > latest.first;
      latest = {session.session, later ? start_s : std::min(latest.second, start_s)};
    }
  }
  return latest;
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
bool is_finished(const fs::path& path) {
  constexpr std::streamoff tail_bytes = 4096;  // holds the last record, which is short, and more
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - tail_bytes));
  std::string last;
  for (std::string line; std::getline(file, line);) last = line;
  const auto record = nlohmann::json::parse(last, nullptr, false);
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
  records::Writer writer(path);  // holds the lock; the measuring processes append
  writer.lock();
  records::Writer::mend(path);
  const records::StudyFile file = records::read_study_file(path);
  const std::vector<CellJob> jobs = jobs_left(path, file);
  if (goes_on && !jobs.empty()) {
    writer.add_line(records::encode_later_run(describe_run(origin)));
    writer.commit();
  }

  TimeLeft time(jobs);
  SessionPace pace(plan.session_gap_s, latest_start(file));
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
    if (entry.path().extension() == ".jsonl") candidates.push_back(entry.path());
  }
  std::sort(candidates.rbegin(), candidates.rend());  // names carry the time, newest first
  for (const fs::path& path : candidates) {
    if (!why_not(path, plan).empty()) continue;
    return is_finished(path) ? "" : path.string();
  }
  return "";
}

}  // namespace tlblab
