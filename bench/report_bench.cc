// SPDX-License-Identifier: GPL-2.0-only
// What a report costs: from a result file on disk to its analysis.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <string>

#include "user/analysis/analysis.hh"
#include "user/experiment/header.hh"
#include "user/experiment/study_file.hh"
#include "user/records/block.hh"
#include "user/records/cell.hh"
#include "user/records/writer.hh"
#include "user/statistics/blocks.hh"

namespace tlblab {
namespace {

/// A pair of schemes with one responder, in one session of `nr_blocks`: made-up trials.
class MadeUpFile {
 public:
  explicit MadeUpFile(std::size_t nr_blocks)
      : path_(std::filesystem::temp_directory_path() /
              ("tlblab-bench-" + std::to_string(getpid()) + std::string(records::kFileEnding))) {
    std::filesystem::remove(path_);
    const StudyPlan plan =
        plan_pair("munmap:per-vma", "munmap:merged", {16, 1, 1}, 1, {0, 1}, StudyOverrides{});
    records::Writer::create(path_, make_header(plan, {{"tlblab", "ab"}, {}}));
    records::Writer writer(path_);
    records::CellBegin begin;
    begin.place = {0, 1};
    writer.add_line(records::encode(begin));
    std::mt19937_64 random(20261130);  // the seed
    std::normal_distribution<double> noise(1, 0.05);
    std::uint64_t now_ns = 0;
    for (std::uint32_t block = 0; block < nr_blocks; ++block) {
      records::BlockRecord record{{0, 1}, block, 0.025 * (block + 1), 5000};
      const auto schedule = statistics::block_schedule(1, 0, 1, block);
      for (std::size_t order = 0; order < schedule.size(); ++order) {
        Trial& trial = record.trials.emplace_back();
        trial.arm = schedule[order];
        if (leads_in(order)) trial.state = TrialState::kLeadIn;
        trial.start_ns = now_ns;
        trial.latency_ns =
            static_cast<std::uint64_t>((trial.arm == Arm::kA ? 200'000 : 40'000) * noise(random));
        now_ns += trial.latency_ns + static_cast<std::uint64_t>(90'000 * noise(random));
        trial.responders = {{static_cast<std::uint32_t>(trial.latency_ns / 2), 16, 4000}};
      }
      writer.add_line(records::encode(record, 0));
      writer.commit();
    }
  }
  ~MadeUpFile() { std::filesystem::remove(path_); }
  MadeUpFile(const MadeUpFile&) = delete;
  MadeUpFile& operator=(const MadeUpFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void BM_report_blocks(benchmark::State& state) {
  const auto nr_blocks = static_cast<std::size_t>(state.range(0));
  const MadeUpFile file(nr_blocks);
  for (auto _ : state) benchmark::DoNotOptimize(analyse_file(file.path()));
  const auto nr_trials = static_cast<double>(nr_blocks * kTrialsPerBlock);
  state.counters["trials_per_second"] =
      benchmark::Counter(nr_trials, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["bytes_per_trial"] =
      static_cast<double>(std::filesystem::file_size(file.path())) / nr_trials;
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  state.counters["peak_MiB"] = static_cast<double>(used.ru_maxrss) / 1024;
}
BENCHMARK(BM_report_blocks)->Arg(12'500)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tlblab
