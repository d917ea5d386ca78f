// SPDX-License-Identifier: GPL-2.0-only
// What a trial costs around its timed window: set-up, the handshake with responders, all of it.
#include <benchmark/benchmark.h>

#include <array>
#include <memory>

#include "bench/cpus.hh"
#include "user/engine/registry.hh"
#include "user/experiment/trial_runner.hh"
#include "user/model/plan.hh"
#include "user/workload/responders.hh"

namespace tlblab {
namespace {

constexpr Shape kHeadlineShape{16, 4, 1};

std::unique_ptr<Workspace> open_merged() {
  const SchemeRef ref = find_scheme("munmap:merged");
  const std::array<const Scheme*, 1> schemes = {ref.scheme.get()};
  return ref.engine->open(kHeadlineShape, schemes);
}

/// Mapping and populating 64 pages in 16 VMAs, and taking them away again in one call.
void BM_trial_set_up(benchmark::State& state) {
  pin_to_cpu(benchmark_cpus().front());
  const auto workspace = open_merged();
  std::uint64_t tag = 0;
  for (auto _ : state) {
    workspace->prepare(++tag);
    state.PauseTiming();
    workspace->perform(0);
    state.ResumeTiming();
  }
}
BENCHMARK(BM_trial_set_up)->Unit(benchmark::kMicrosecond);

/// Load and settle with one responder, over 64 pages that stay mapped.
void BM_responder_handshake(benchmark::State& state) {
  const std::vector<int>& cpus = benchmark_cpus();
  if (cpus.size() < 2) {
    state.SkipWithError("one CPU: no responder");
    return;
  }
  pin_to_cpu(cpus[0]);
  const auto workspace = open_merged();
  workspace->prepare(1);
  ResponderCrew crew({cpus[1]});
  for (auto _ : state) {
    crew.load(workspace->ranges(), 1);
    crew.open_window();
    crew.close_window();
    benchmark::DoNotOptimize(crew.settle({}));
  }
}
BENCHMARK(BM_responder_handshake)->Unit(benchmark::kMicrosecond);

/// Whole trials of the headline cell, arms in turn: items per second are trials per second.
void BM_trial(benchmark::State& state) {
  const std::vector<int>& cpus = benchmark_cpus();
  if (cpus.size() < 2) {
    state.SkipWithError("one CPU: no responder");
    return;
  }
  pin_to_cpu(cpus[0]);
  CellPlan cell;
  cell.a = "munmap:per-vma";
  cell.b = "munmap:merged";
  cell.shape = kHeadlineShape;
  cell.nr_responders = 1;
  TrialRunner trials(cell, cpus);
  bool odd = false;
  for (auto _ : state) {
    odd = !odd;
    benchmark::DoNotOptimize(trials.run(odd ? Arm::kA : Arm::kB, nullptr));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_trial)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tlblab
