// SPDX-License-Identifier: GPL-2.0-only
// What the module's calls cost by themselves: a call that does nothing, and populate per page.
// These benchmarks exist only where the module is loaded. Under emulation their times mean nothing.
#include <benchmark/benchmark.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdint>
#include <vector>

#include "user/lab/lab_device.hh"
#include "user/lab/lab_request.hh"
#include "user/workload/vma_layout.hh"

namespace tlblab {
namespace {

/// Into the kernel and back, with one small struct each way.
void BM_lab_null_call(benchmark::State& state) {
  const LabDevice device;
  for (auto _ : state) {
    benchmark::DoNotOptimize(device.totals());
  }
}

/// One call on so many pages, all of them empty. The unmap between is not timed.
void BM_lab_populate(benchmark::State& state) {
  const LabDevice device;
  const Layout layout(Shape{1, static_cast<std::uint32_t>(state.range(0)), 0});
  const AddressRange whole = layout.ranges().front();
  device.map(whole, 0);
  const std::vector<tlblab_range> ranges = {{whole.begin, whole.end - whole.begin}};
  tlblab_request unmap = lab_request({.gather = TLBLAB_MERGED}, device.capabilities());
  unmap.ranges = reinterpret_cast<std::uintptr_t>(ranges.data());
  unmap.nr_ranges = ranges.size();
  for (auto _ : state) {
    device.populate(ranges);
    state.PauseTiming();
    unmap.account = {};
    if (device.perform(unmap) != 0) state.SkipWithError("the unmap failed");
    state.ResumeTiming();
  }
  state.counters["per_page"] = benchmark::Counter(
      static_cast<double>(state.range(0)) * static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

[[maybe_unused]] const bool kRegistered = [] {
  if (access(TLBLAB_DEVICE, R_OK | W_OK) != 0) return false;
  benchmark::RegisterBenchmark("BM_lab_null_call", BM_lab_null_call);
  benchmark::RegisterBenchmark("BM_lab_populate", BM_lab_populate)->Arg(1)->Arg(64)->Arg(10000);
  return true;
}();

}  // namespace
}  // namespace tlblab
