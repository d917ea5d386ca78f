// SPDX-License-Identifier: GPL-2.0-only
// Blocks of the timing pass, then the counting and the probe pass.
#include "user/experiment/cell_runner.hh"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <optional>
#include <string>

#include "user/counters/counters.hh"
#include "user/counters/events.hh"
#include "user/experiment/probe_pass.hh"
#include "user/experiment/trial_runner.hh"
#include "user/records/block.hh"
#include "user/records/cell.hh"
#include "user/records/count.hh"
#include "user/records/writer.hh"
#include "user/statistics/blocks.hh"
#include "user/statistics/series.hh"
#include "user/statistics/stopping.hh"
#include "user/support/clock.hh"
#include "user/support/interruption.hh"
#include "user/topology/placement.hh"
#include "user/workload/calibrator.hh"

namespace tlblab {
namespace {

using statistics::ArmPair;

/// Run and thrown away at the start of each process: first touches of code, stacks, page tables
/// and the kernel's per-CPU page lists.
constexpr int kWarmUpTrials = 32;
/// Enough for counts, which know no cold cache; under emulation each trial takes long.
constexpr int kWarmUpTrialsOfCounts = 2;
/// Schedules of the counting pass, far from any block of the timing pass.
constexpr std::uint64_t kCountingBlock = std::uint64_t{1} << 40;

constexpr int kHighestPriority = -20;
constexpr const char* kAutogroup = "/proc/self/autogroup";

/// From "/autogroup-12 nice 0"; none where the kernel has no autogroups.
std::optional<int> autogroup_nice() {
  std::ifstream file(kAutogroup);
  std::string group;
  std::string word;
  int nice = 0;
  if (file >> group >> word >> nice) return nice;
  return std::nullopt;
}

class CellProcess {
 public:
  CellProcess(const CellJob& job, const std::function<void(const CellProgress&)>& progress)
      : job_(job),
        place_{job.cell_index, job.session},
        progress_(progress),
        writer_(job.results_path),
        trials_(job.cell, job.cpus) {
    block_.place = place_;
  }

  bool run() {
    begin();
    for (int i = 0; i < nr_warm_up_trials(); ++i) {
      trials_.run(i % 2 == 0 ? Arm::kA : Arm::kB, nullptr);
    }
    const std::string_view reason = job_.cell.timed ? timing_pass() : "counts";
    if (reason.empty() || !counting_pass() || !probe_pass()) {
      writer_.commit();
      return false;
    }
    writer_.add_line(records::encode(records::CellEnd{place_, std::string(reason)}));
    writer_.commit();
    return true;
  }

 private:
  [[nodiscard]] int nr_warm_up_trials() const {
    return job_.cell.timed ? kWarmUpTrials : kWarmUpTrialsOfCounts;
  }

  void begin() {
    timespec realtime{};
    clock_gettime(CLOCK_REALTIME, &realtime);
    origin_ns_ = now_ns();
    records::CellBegin begin;
    begin.place = place_;
    begin.pid = getpid();
    begin.first_block = job_.first_block;
    begin.realtime_ns = realtime.tv_sec * 1'000'000'000LL + realtime.tv_nsec;
    begin.clock_overhead_ns = trials_.clock_overhead_ns();
    begin.gap_thresholds_ns = trials_.crew().gap_thresholds_ns();
    begin.warm_up_trials = nr_warm_up_trials();
    begin.nice = getpriority(PRIO_PROCESS, 0);
    begin.autogroup_nice = autogroup_nice();
    begin.expected = {trials_.expected(Arm::kA), trials_.expected(Arm::kB)};
    writer_.add_line(records::encode(begin));
    writer_.commit();
  }

  /// Why it stopped; empty when interrupted.
  std::string_view timing_pass() {
    statistics::Stopper stopper(job_.cell.stopping);
    std::vector<ArmPair> medians = job_.prior_medians;
    const std::uint64_t begin = now_ns();
    double last_progress = 0;
    for (std::uint32_t block = job_.first_block;; ++block) {
      if (!run_block(block, medians)) return "";
      const double elapsed = static_cast<double>(now_ns() - begin) / 1e9;
      const double seconds = job_.prior_seconds + elapsed;
      end_block(seconds);
      if (elapsed - last_progress > 0.5) {
        progress_({medians.size(), seconds});
        last_progress = elapsed;
      }
      const auto reason = stopper.after_block(medians.size(), seconds, [&] {
        return statistics::estimate_series(statistics::log_ratios(medians));
      });
      if (reason != statistics::StopReason::kContinue) return statistics::name(reason);
    }
  }

  /// Performs the block's trials and adds its medians, if it counts, to `medians`. False when
  /// interrupted: the trials so far are then kept in the file.
  bool run_block(std::uint32_t block, std::vector<ArmPair>& medians) {
    const auto schedule =
        statistics::block_schedule(job_.seed, job_.cell_index, job_.session, block);
    block_.index = block;
    block_.calibrator_ns = job_.cell.nr_responders > 0 ? calibrate() : 0;
    block_.trials.clear();
    block_accounts_ = {};
    for (std::size_t order = 0; order < schedule.size(); ++order) {
      if (interrupted()) break;
      Trial& trial = block_.trials.emplace_back(trials_.run(schedule[order], nullptr));
      trial.block = block;
      trial.order = static_cast<std::uint8_t>(order);
      if (leads_in(order)) trial.state = TrialState::kLeadIn;
      block_accounts_[static_cast<std::size_t>(trial.arm)].add(trials_.account());
    }
    if (block_.trials.size() < schedule.size()) {
      if (!block_.trials.empty()) {
        writer_.add_line(records::encode_interrupted(block_, origin_ns_));
      }
      return false;
    }
    if (const auto figures = statistics::block_figures(block_.trials)) {
      medians.push_back(figures->median);
    }
    return true;
  }

  void end_block(double seconds) {
    block_.seconds = seconds;
    block_.engine_accounts = {block_accounts_[0].sums(), block_accounts_[1].sums()};
    writer_.add_line(records::encode(block_, origin_ns_));
    writer_.commit();
  }

  /// With every responder seen beating, so that the round trip has somebody to go to.
  std::uint64_t calibrate() {
    trials_.rouse_responders();
    return calibrator_.measure_ns();
  }

  [[nodiscard]] std::vector<counters::Subject> responders() const {
    const auto ids = trials_.crew().thread_ids();
    std::vector<counters::Subject> subjects;
    for (std::size_t i = 0; i < ids.size(); ++i) subjects.push_back({ids[i], job_.cpus[i + 1]});
    return subjects;
  }

  /// False when interrupted.
  bool counting_pass() {
    counters::CounterSet counters({gettid(), job_.cpus[0]}, responders());
    trials_.rouse_responders();
    counters.learn_own_reads();
    std::array<std::size_t, 2> left{job_.count_trials, job_.count_trials};
    for (std::uint64_t block = kCountingBlock; left[0] + left[1] > 0; ++block) {
      const auto schedule =
          statistics::block_schedule(job_.seed, job_.cell_index, job_.session, block);
      for (std::size_t order = 0; order < schedule.size() && left[0] + left[1] > 0; ++order) {
        if (interrupted()) return false;
        const Arm arm = schedule[order];
        std::size_t& left_of_arm = left[static_cast<std::size_t>(arm)];
        if (leads_in(order) || left_of_arm == 0) {
          trials_.run(arm, nullptr);
          continue;
        }
        // By arm, so that both count all events equally often.
        counters.take_turn(job_.count_trials - left_of_arm);
        add_count(trials_.run(arm, &counters), counters.counts());
        --left_of_arm;
      }
    }
    return true;
  }

  /// False when interrupted. A control has nothing to say of losses: each arm has its own beside
  /// it.
  bool probe_pass() {
    const CellPlan& cell = job_.cell;
    if (!cell.timed || (cell.role == CellRole::kSame && !cell.headline)) return true;
    // A walk makes no flush and no interrupt: only the processor's events say something of it.
    std::vector<counters::Event> events;
    for (const counters::Event& event : counters::catalogue()) {
      const bool countable = event.status.unavailable.empty();
      if (countable && event.kind == counters::EventKind::kHardware) events.push_back(event);
    }
    std::optional<counters::CounterSet> counters;
    if (!events.empty()) {
      counters.emplace(counters::Subject{gettid(), job_.cpus[0]}, responders(), events);
      trials_.rouse_responders();
      counters->learn_own_reads();
    }
    return run_probe_pass(
        trials_, job_, counters ? &*counters : nullptr,
        [&](const records::ProbeTrial& trial) { writer_.add_line(records::encode(place_, trial)); },
        [&] { writer_.commit(); });
  }

  void add_count(const Trial& trial, const std::vector<Counts>& counts) {
    writer_.add_line(records::encode(
        place_,
        records::CountTrial{trial.arm, trial.state, trial.latency_ns, counts, trials_.account()}));
  }

  const CellJob& job_;
  records::TrialPlace place_;
  const std::function<void(const CellProgress&)>& progress_;
  records::Writer writer_;
  TrialRunner trials_;
  Calibrator calibrator_;
  std::uint64_t origin_ns_ = 0;
  records::BlockRecord block_;                ///< in flight
  std::array<AccountSum, 2> block_accounts_;  ///< over the block's trials, by arm
};

/// False, as any cell that was interrupted: there is no other end.
bool hold_arm(const CellJob& job, const std::function<void(const CellProgress&)>& progress) {
  TrialRunner trials(job.cell, job.cpus);
  const std::uint64_t begin = now_ns();
  double last_progress = -1;
  for (std::size_t done = 0; !interrupted(); ++done) {
    const double elapsed = static_cast<double>(now_ns() - begin) / 1e9;
    if (elapsed - last_progress > 0.5) {
      progress({done, elapsed});
      last_progress = elapsed;
    }
    trials.run(Arm::kA, nullptr);
  }
  return false;
}

/// The highest priority that is not real-time, where the user may (root, CAP_SYS_NICE); else what
/// there was, which the cell's record says. At an equal one, another process that computes takes
/// turns of some ms, and operations that long are set apart mostly. Before any thread is started:
/// responders and bystanders inherit it.
void ask_for_the_cpus() {
  setpriority(PRIO_PROCESS, 0, kHighestPriority);
  // A kernel with autogroups deals CPUs out to sessions first. A measuring process leads its own;
  // a session that is the user's is left as it is.
  if (getsid(0) == getpid()) std::ofstream(kAutogroup) << kHighestPriority;
}

}  // namespace

bool run_cell(const CellJob& job, const std::function<void(const CellProgress&)>& progress) {
  pin_to_cpu(job.cpus.at(0));
  // A huge page under a small VMA would change what is unmapped; settings of the machine stay as
  // they are, this process opts out.
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  ask_for_the_cpus();
  return job.hold ? hold_arm(job, progress) : CellProcess(job, progress).run();
}

}  // namespace tlblab
