// SPDX-License-Identifier: GPL-2.0-only
// What collapsing memory into huge pages costs other CPUs in interrupts.
//
// Lance Yang, "skip redundant sync IPIs" (v10, linux-mm, 24 April 2026), reports 646,316
// function-call interrupts for collapsing 20 GiB on 64 CPUs. Each collapse frees a page table and
// synchronises with every other online CPU (tlb_remove_table_sync_one()): 10,240 collapses of 2 MiB
// times 63 are 645,120, which is 0.2 % less. The same count, in proportion, is to be had anywhere.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include "bench/collapse.hh"
#include "bench/cpus.hh"
#include "user/counters/counters.hh"

namespace tlblab {
namespace {

/// Argument: MiB. Counts are per collapse, `due` what they must be.
void BM_collapse(benchmark::State& state) {
  const std::vector<int>& cpus = benchmark_cpus();
  pin_to_cpu(cpus[0]);
  Collapsible memory(static_cast<std::size_t>(state.range(0)) << 20);
  counters::CounterSet counters({gettid(), cpus[0]}, {});
  Counts sums;
  std::string problem;
  for (auto _ : state) {
    state.PauseTiming();
    if (problem.empty()) problem = memory.fill();
    counters.begin();
    state.ResumeTiming();
    if (problem.empty()) problem = memory.collapse();
    state.PauseTiming();
    counters.end();
    for (const auto& [event, count] : counters.counts().at(0)) sums[event] += count;
    state.ResumeTiming();
  }
  if (!problem.empty()) {  // the machine's, no error of the tool
    state.SetLabel(problem);
    return;
  }
  const double all =
      static_cast<double>(memory.nr_regions()) * static_cast<double>(state.iterations());
  for (const char* event : {"csd_queue.table_sync", "csd_queue.flush"}) {
    if (const auto sum = sums.find(event); sum != sums.end()) {
      state.counters[event] = static_cast<double>(sum->second) / all;
    }
  }
  state.counters["due"] = static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN) - 1);
}
BENCHMARK(BM_collapse)->Arg(128)->Iterations(5)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tlblab
