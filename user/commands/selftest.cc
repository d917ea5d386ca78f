// SPDX-License-Identifier: GPL-2.0-only
// `tlblab selftest`: replays recorded trials under known truths and prints each rate.
#include "user/statistics/selftest.hh"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "user/commands/commands.hh"
#include "user/experiment/study_run.hh"
#include "user/records/study_file.hh"
#include "user/records/writer.hh"
#include "user/support/error.hh"
#include "user/support/interruption.hh"
#include "user/topology/cpu_lock.hh"
#include "user/topology/placement.hh"

namespace tlblab {
namespace {

using statistics::CheckResult;
using statistics::Recording;

/// Long enough that a replayed session of ten seconds need not use a trial twice.
constexpr double kRecordingSeconds = 12;

/// Every A/A cell of a file, its sessions end to end: trials of one scheme in time order.
class RecordingReader : public records::StudyVisitor {
 public:
  void header(records::StudyHeader&& header) override { cells_ = std::move(header.plan.cells); }

  void block(const records::TrialPlace& place, const records::Block& block) override {
    if (cells_.at(place.cell).role != CellRole::kSame) return;
    auto& [recording, seconds] = of_cell_[place.cell];
    for (const Trial& trial : block.trials) {
      if (trial.state != TrialState::kOk || trial.latency_ns == 0) continue;
      recording.latency_ns.push_back(static_cast<double>(trial.latency_ns));
    }
    seconds[place.session] = block.seconds;
  }

  [[nodiscard]] std::vector<Recording> take() {
    std::vector<Recording> recordings;
    for (auto& [cell, of] : of_cell_) {
      auto& [recording, seconds] = of;
      if (recording.latency_ns.empty()) continue;
      double sum_s = 0;
      for (const auto& [session, of_session] : seconds) sum_s += of_session;
      recording.name = cells_.at(cell).id;
      recording.trials_per_second = static_cast<double>(recording.latency_ns.size()) / sum_s;
      recordings.push_back(std::move(recording));
    }
    return recordings;
  }

 private:
  std::vector<CellPlan> cells_;
  /// By cell: the trials, and by session the seconds of measuring.
  std::map<std::uint32_t, std::pair<Recording, std::map<unsigned, double>>> of_cell_;
};

std::vector<Recording> recordings_of(const std::string& path) {
  RecordingReader reader;
  for (const std::string& warning : records::read_study_file(path, reader)) {
    fmt::print(stderr, "warning: {}: {}\n", path, warning);
  }
  std::vector<Recording> recordings = reader.take();
  if (recordings.empty()) {
    throw Error(
        ExitStatus::kUsage, fmt::format("{} holds no trials of an A/A cell", path),
        "Give the result file of a study with A/A controls, such as batching, or no file to "
        "record trials now.");
  }
  return recordings;
}

/// Records the headline shape, all responders, both schemes.
std::vector<Recording> record_here(std::uint64_t seed) {
  const std::vector<int> cpus = placement_order();
  const CpuLock lock(cpus);
  StudyOverrides overrides;
  overrides.seed = seed;
  overrides.min_seconds = overrides.max_seconds = kRecordingSeconds;
  const Shape shape;
  const auto responders = static_cast<unsigned>(cpus.size()) - 1;
  std::vector<Recording> recordings;
  for (const char* scheme : {"munmap:per-vma", "munmap:merged"}) {
    fmt::print(stderr, "recording {} for {} s\n", scheme, kRecordingSeconds);
    const StudyPlan plan = plan_pair(scheme, scheme, shape, responders, cpus, overrides);
    const std::string path = (std::filesystem::temp_directory_path() /
                              fmt::format("tlblab-{}{}", getpid(), records::kFileEnding))
                                 .string();
    struct Cleanup {
      const std::string& path;
      ~Cleanup() { std::filesystem::remove(path); }
    } cleanup{path};
    if (run_study(plan, path, {{"tlblab", "selftest"}, {}}, [](const StudyProgress&) {}) ==
        StudyOutcome::kInterrupted) {
      throw Error(ExitStatus::kInterrupted, "interrupted", "Give the command again.");
    }
    for (Recording& recording : recordings_of(path)) recordings.push_back(std::move(recording));
  }
  return recordings;
}

void tell_progress(std::string_view step, double fraction) {
  if (interrupted())
    throw Error(ExitStatus::kInterrupted, "interrupted", "Give the command again.");
  if (isatty(STDERR_FILENO) == 0) return;
  fmt::print(stderr, "\r{:3.0f} %  {:<60}", 100 * fraction, step);
  if (fraction >= 1) fmt::print(stderr, "\r{:70}\r", "");
  std::fflush(stderr);
}

/// "open": neither held nor broken beyond the Monte Carlo error; more replays would decide.
std::string_view word(const CheckResult& result) {
  if (result.pass) return "pass";
  return result.broken ? "FAIL" : "open";
}

void print_text(const Recording& recording, const std::vector<CheckResult>& results) {
  fmt::print("{}: {} trials, {:.0f} per second\n", recording.name, recording.latency_ns.size(),
             recording.trials_per_second);
  for (const CheckResult& result : results) {
    const std::string rate =
        std::isfinite(result.rate)
            ? fmt::format("{:5.1f} % +- {:.1f}", 100 * result.rate, 100 * result.mc_error)
            : "     none";
    fmt::print("  {} {:<46} {:<16} {}\n       {}\n", word(result), result.name, rate, result.limit,
               result.detail);
  }
}

nlohmann::json to_json_text(const CheckResult& result) {
  return {{"name", result.name},
          {"rate", std::isfinite(result.rate) ? nlohmann::json(result.rate) : nullptr},
          {"mc_error", std::isfinite(result.mc_error) ? nlohmann::json(result.mc_error) : nullptr},
          {"limit", result.limit},
          {"outcome", word(result)},
          {"detail", result.detail}};
}

}  // namespace

int run_selftest(const SelftestOptions& options) {
  std::vector<Recording> recordings;
  for (const std::string& file : options.files) {
    for (Recording& recording : recordings_of(file)) recordings.push_back(std::move(recording));
  }
  if (recordings.empty()) recordings = record_here(options.seed);

  bool all_pass = true;
  bool any_broken = false;
  nlohmann::json all = nlohmann::json::array();
  for (const Recording& recording : recordings) {
    const auto results =
        statistics::run_selftest(recording, {options.seed, options.nr_replays}, tell_progress);
    nlohmann::json checks = nlohmann::json::array();
    for (const CheckResult& result : results) {
      all_pass &= result.pass;
      any_broken |= result.broken;
      checks.push_back(to_json_text(result));
    }
    all.push_back({{"recording", recording.name},
                   {"trials", recording.latency_ns.size()},
                   {"checks", checks}});
    if (!options.as_json) print_text(recording, results);
  }
  if (options.as_json) {
    fmt::print("{}\n", all.dump(2));
  } else {
    fmt::print("{}\n", all_pass     ? "all checks hold, every mutant was noticed"
                       : any_broken ? "SELF-TEST FAILED: do not trust verdicts of this build here"
                                    : "not shown: give more --replays, or a longer recording");
  }
  return static_cast<int>(all_pass     ? ExitStatus::kOk
                          : any_broken ? ExitStatus::kVoid
                                       : ExitStatus::kInconclusive);
}

}  // namespace tlblab
