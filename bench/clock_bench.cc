// SPDX-License-Identifier: GPL-2.0-only
// What the clock costs. A timed window holds two reads, which may take 100 ns together.
#include <benchmark/benchmark.h>

#include "user/support/clock.hh"

namespace tlblab {
namespace {

void BM_clock_read(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(now_ns());
}
BENCHMARK(BM_clock_read);

/// An empty window, as TrialRunner times it.
void BM_clock_window(benchmark::State& state) {
  for (auto _ : state) {
    const std::uint64_t begin = now_ns();
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(now_ns() - begin);
  }
}
BENCHMARK(BM_clock_window);

}  // namespace
}  // namespace tlblab
