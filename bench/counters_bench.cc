// SPDX-License-Identifier: GPL-2.0-only
// What reading the counters costs around one operation: why counts have a pass of their own.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include "bench/cpus.hh"
#include "user/counters/counters.hh"
#include "user/workload/responders.hh"

namespace tlblab {
namespace {

/// Argument: responders, spinning on the CPUs after the first.
void BM_counters_begin_end(benchmark::State& state) {
  const std::vector<int>& cpus = benchmark_cpus();
  const auto responders = static_cast<std::size_t>(state.range(0));
  if (cpus.size() <= responders) {
    state.SkipWithError("fewer CPUs than this needs");
    return;
  }
  pin_to_cpu(cpus[0]);
  ResponderCrew crew({cpus.begin() + 1, cpus.begin() + 1 + state.range(0)});
  std::vector<counters::Subject> subjects;
  const auto ids = crew.thread_ids();
  for (std::size_t i = 0; i < ids.size(); ++i) subjects.push_back({ids[i], cpus[i + 1]});
  counters::CounterSet counters({gettid(), cpus[0]}, subjects);
  for (auto _ : state) {
    counters.begin();
    counters.end();
  }
}
BENCHMARK(BM_counters_begin_end)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tlblab
