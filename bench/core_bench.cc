// SPDX-License-Identifier: GPL-2.0-only
// What the module's core itself costs for each page, on a platform that does almost nothing: no
// locks, no flush, plain memory, without the kernel's part (page tables, frames, the shootdown).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <tlblab/catalogue.hh>
#include <vector>

#include "kmod/core/operation/perform.hh"
#include "kmod/core/requests.hh"

namespace tlblab::core {
namespace {

constexpr u32 kPageShift = 12;
constexpr u64 kPageBytes = u64{1} << kPageShift;
constexpr u32 kTableEntries = 512;

/// Entries in one array, by page. Clearing one reads and writes it, but leaves it as it was, so
/// that no iteration needs setting up.
class NullPlatform {
 public:
  static constexpr bool kOneIntervalPerRequest = true;

  explicit NullPlatform(u64 nr_pages) : entries_(nr_pages) {
    for (u64 page = 0; page < nr_pages; ++page) entries_[page] = &entries_[page];
  }

  bool lock_table(void* vma, u64 start, u64 end, lab_table& table) {
    table = {.start = start,
             .end = smaller(end, (start | (kTableEntries * kPageBytes - 1)) + 1),
             .entries = &entries_[start / kPageBytes],
             .lock = nullptr,
             .vma = vma};
    return true;
  }
  void unlock_table(lab_table& table) { benchmark::DoNotOptimize(table); }
  lab_span clear_span(lab_table&, u64 address, u32 nr, void** frames) {
    void** const entries = &entries_[address / kPageBytes];
    for (u32 i = 0; i < nr; ++i) {
      frames[i] = entries[i];
      entries[i] = frames[i];
    }
    benchmark::ClobberMemory();
    return {.cleared = ~u64{0} >> (kSpanEntries - nr), .foreign = 0};
  }
  lab_flush_cost flush(const lab_flush& request) {
    benchmark::DoNotOptimize(request.intervals);
    return {.targets = 1, .tlbi = 1, .dsb_ishst = 1, .dsb_ish = 1, .repeats = 0};
  }
  u64 release(void* const* frames, u32 nr) {
    for (u32 i = 0; i < nr; ++i) benchmark::DoNotOptimize(frames[i]);
    return nr;
  }
  bool resched_point() { return true; }
  u64 clock_ns() { return 0; }

 private:
  std::vector<void*> entries_;
};

static_assert(GathersOn<NullPlatform>);

constexpr u64 kPagesPerVma = 100;

/// Arguments: the rows of gather and extent, and pages, in VMAs with a gap of one page after each.
void BM_core_unmap(benchmark::State& state) {
  const catalogue::Gather& gather = catalogue::kGathers[state.range(0)];
  const catalogue::Value& extent = catalogue::kExtents[state.range(1)];
  const auto nr_pages = static_cast<u64>(state.range(2));
  tlblab_request request{};
  request.operation = TLBLAB_UNMAP;
  request.gather = gather.value;
  request.extent = extent.value;
  request.release = TLBLAB_STRICT;

  std::vector<lab_piece> pieces;
  u64 page = 0;
  for (u64 vma = 0; vma < nr_pages / kPagesPerVma; ++vma) {
    pieces.push_back({.start = page * kPageBytes,
                      .end = (page + kPagesPerVma) * kPageBytes,
                      .vma = reinterpret_cast<void*>(vma + 1)});  // only compared
    page += kPagesPerVma + 1;
  }
  NullPlatform platform(page);
  const u32 ceiling_pages = 33;
  const lab_needs needs = needs_of(request, gather, kTableEntries, ceiling_pages);
  std::vector<void*> frames(std::min(needs.max_frames, nr_pages));
  std::vector<lab_interval> intervals(needs.max_intervals);
  const lab_plan plan = {.request = &request,
                         .pieces = pieces.data(),
                         .nr_pieces = pieces.size(),
                         .page_shift = kPageShift,
                         .entries_per_table = kTableEntries,
                         .ceiling_pages = ceiling_pages,
                         .max_frames = frames.size(),
                         .intervals = intervals.data(),
                         .frames = frames.data()};
  for (auto _ : state) {
    tlblab_account account{};
    if (perform(platform, plan, account) != 0 || account.cleared != nr_pages) {
      state.SkipWithError("the core did not clear every page");
      return;
    }
  }
  state.SetLabel(std::string(gather.name) + ", " + extent.name);
  state.counters["per_page"] = benchmark::Counter(
      static_cast<double>(nr_pages),
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void every_composition(benchmark::internal::Benchmark* bench) {
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    for (const catalogue::Value& extent : catalogue::kExtents) {
      if (!has(gather.extents, extent.value)) continue;
      for (const long pages : {100, 10'000, 1'000'000}) {
        bench->Args({&gather - catalogue::kGathers, &extent - catalogue::kExtents, pages});
      }
    }
  }
}
BENCHMARK(BM_core_unmap)->Apply(every_composition)->ArgNames({"gather", "extent", "pages"});

}  // namespace
}  // namespace tlblab::core
