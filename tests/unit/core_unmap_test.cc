// SPDX-License-Identifier: GPL-2.0-only
// unmap under every gather on the fake machine: counts at the edges of batch, ceiling, table and
// VMA, holes, stops, and lists of a million pages.
#include <gtest/gtest.h>

#include <random>
#include <tlblab/expected.hh>

#include "tests/unit/core_bed.hh"

namespace tlblab::core {
namespace {

using catalogue::expected_flushes;
using catalogue::ExpectedFlushes;
using catalogue::ExpectedShape;

constexpr u64 kTable = FakeMachine::kTableEntries;

/// Whole VMAs, fully mapped; runs it and compares the account with docs/methods.md's table as code.
void run_shape(const ExpectedShape& shape, const Way& way, u32 page_shift = kPageShift) {
  Bed bed(page_shift);
  for (u64 vma = 0; vma < shape.nr_vmas; ++vma) {
    const u64 page = shape.first_page + vma * (shape.pages_per_vma + shape.gap_pages);
    bed.add_mapped(vma, shape.entries_per_table + page, shape.pages_per_vma);
  }
  const tlblab_account foreseen = bed.foresee(way);
  const tlblab_account account = bed.run(way);
  expect_foreseen(account, foreseen, way);
  const ExpectedFlushes expected = expected_flushes(
      shape, {way.gather, way.extent, way.batch_pages, way.ceiling_pages, way.one_interval});
  EXPECT_EQ(
      (ExpectedFlushes{account.requests, account.forced, account.full, account.flushed_pages}),
      expected)
      << way.name();
  EXPECT_EQ(account.released, shape.nr_vmas * shape.pages_per_vma);
}

constexpr u64 ceil_div(u64 a, u64 b) { return (a + b - 1) / b; }

TEST(CoreExpected, IsTheTableOfTheDesign) {
  const u64 v = 16;
  const u64 p = 4;
  const ExpectedShape shape = {v, p, 1, 0, kTable};
  for (const u64 b : {u64{1}, p - 1, p, p + 1, v * p - 1, v * p, v * p + 1}) {
    const auto requests = [&](u32 gather) {
      return expected_flushes(shape, {gather, TLBLAB_ENVELOPE, b, 33, true}).requests;
    };
    EXPECT_EQ(requests(TLBLAB_PER_PAGE), v * p);
    EXPECT_EQ(requests(TLBLAB_PER_TABLE), v * ceil_div(p, b)) << "one table: T is V";
    EXPECT_EQ(requests(TLBLAB_PER_VMA), v * ceil_div(p, b));
    EXPECT_EQ(requests(TLBLAB_MERGED), ceil_div(v * p, b));
    EXPECT_EQ(requests(TLBLAB_FULL_MM), ceil_div(v * p, b));
  }
  // A merged envelope of 16 VMAs of 4 pages spans 79 pages, past the ceiling of x86: full.
  EXPECT_EQ(expected_flushes(shape, {TLBLAB_MERGED, TLBLAB_ENVELOPE, 0, 33, true}),
            (ExpectedFlushes{1, 0, 1, 0}));
  EXPECT_EQ(expected_flushes(shape, {TLBLAB_MERGED, TLBLAB_ENVELOPE, 0, 79, true}),
            (ExpectedFlushes{1, 0, 0, 79}));
  EXPECT_EQ(expected_flushes(shape, {TLBLAB_MERGED, TLBLAB_EXACT, 0, 64, true}),
            (ExpectedFlushes{16, 0, 0, 64}));
  EXPECT_EQ(expected_flushes(shape, {TLBLAB_MERGED, TLBLAB_EXACT, 0, 64, false}),
            (ExpectedFlushes{1, 0, 0, 64}));
}

TEST(CoreUnmap, CountsAtBatchEdges) {
  for (const ExpectedShape& shape :
       {ExpectedShape{16, 4, 1, 0, kTable}, ExpectedShape{5, 70, 3, 500, kTable},
        ExpectedShape{3, 600, 512, 0, kTable}, ExpectedShape{4, 128, 0, 100, kTable}}) {
    const u64 p = shape.pages_per_vma;
    const u64 all = p * shape.nr_vmas;
    for (Way way : all_compositions()) {
      for (const u64 batch :
           {u64{0}, u64{1}, u64{64}, u64{65}, p - 1, p, p + 1, all - 1, all, all + 1, ~u64{0}}) {
        way.batch_pages = batch;
        run_shape(shape, way);
      }
    }
  }
}

TEST(CoreUnmap, CountsWithLargePages) {
  for (const u32 page_shift : {14U, 16U}) {
    const u64 table = FakeMachine(page_shift).table_entries();
    for (const ExpectedShape& shape :
         {ExpectedShape{16, 4, 1, 0, table}, ExpectedShape{2, 1, 3, table - 1, table},
          ExpectedShape{2, table + 1, 0, table - 70, table}}) {
      for (Way way : all_compositions()) {
        for (const u64 batch : {u64{0}, u64{1}, u64{513}}) {
          way.batch_pages = batch;
          run_shape(shape, way, page_shift);
        }
      }
    }
  }
}

TEST(CoreUnmap, WhatIsNotOursIsLeft) {
  for (const Way& way : all_compositions()) {
    Bed bed;
    bed.add_mapped(0, kTable - 70, 140);
    for (const u64 page : {kTable - 70, kTable - 6, kTable - 1, kTable, kTable + 69}) {
      bed.machine.plant_foreign(page);
    }
    const tlblab_account account = bed.run(way, kEuclean);
    EXPECT_EQ(account.foreign, 5U) << way.name();
    EXPECT_EQ(account.cleared, 135U) << way.name();
    EXPECT_EQ(account.released, 135U) << way.name();
    EXPECT_EQ(account.empty, 0U) << way.name();
    for (const u64 page : {kTable - 70, kTable - 6, kTable - 1, kTable, kTable + 69}) {
      EXPECT_TRUE(bed.machine.is_foreign(page)) << way.name() << " page " << page;
    }
  }
}

TEST(CoreUnmap, CountsAtCeilingEdges) {
  const ExpectedShape shape = {4, 10, 2, 505, kTable};
  const u32 envelope = 4 * 12 - 2;
  for (Way way : all_compositions()) {
    for (const u32 length : {1U, 10U, 40U, envelope}) {
      for (const u32 ceiling : {length - 1, length, length + 1}) {
        way.ceiling_pages = ceiling;
        run_shape(shape, way);
      }
    }
    way.ceiling_pages = ~0U >> 12;
    run_shape(shape, way);
  }
}

TEST(CoreUnmap, CountsSingleAndTablePages) {
  for (const Way& way : all_compositions()) {
    for (const u64 pages : {u64{1}, u64{63}, u64{64}, u64{65}, kTable - 1, kTable, kTable + 1}) {
      for (const u64 first : {u64{0}, u64{1}, kTable - 1}) {
        run_shape({1, pages, 0, first, kTable}, way);
        run_shape({2, pages, 1, first, kTable}, way);
      }
    }
  }
}

TEST(CoreUnmap, NothingMappedFlushesNothing) {
  for (const Way& way : all_compositions()) {
    Bed bed;
    bed.add_range(0, 10, 2000);     // no table at all
    bed.machine.make_table(10000);  // a table without an entry
    bed.add_range(1, 10000, 1);
    // Wider than one search for a table.
    bed.add_range(2, u64{1} << 20, u64{1} << 20);
    const tlblab_account account = bed.run(way);
    EXPECT_EQ(account.empty, 2001 + (u64{1} << 20));
    EXPECT_EQ(account.requests, 0U);
    EXPECT_EQ(account.released, 0U);
    EXPECT_EQ(account.tables, 1U);
    EXPECT_EQ(account.vmas, 3U);
    EXPECT_GE(account.resched_points, 5U) << "a wide hole is searched in parts";
  }
}

TEST(CoreUnmap, RangesOfOneVmaAreOneVisit) {
  for (Way way : all_compositions()) {
    for (const u64 batch : {0, 1, 2, 3, 4, 5}) {
      way.batch_pages = batch;
      Bed bed;
      bed.add_mapped(0, 10, 2);
      bed.add_mapped(0, 20, 2);
      bed.add_mapped(1, 30, 1);
      const tlblab_account foreseen = bed.foresee(way);
      const tlblab_account account = bed.run(way);
      expect_foreseen(account, foreseen, way);
      EXPECT_EQ(account.vmas, 2U);
      EXPECT_EQ(account.tables, 2U) << "one table, seen from two VMAs";
      if (way.row().flush_at == Boundary::kVma && !way.row().whole_mm &&
          way.extent == TLBLAB_ENVELOPE && batch == 0) {
        EXPECT_EQ(account.requests, 2U);
        EXPECT_EQ(account.flushed_pages, 12U + 1U) << "the gap between the ranges included";
      }
    }
  }
}

TEST(CoreUnmap, ExactJoinsNeighboursOnly) {
  Bed bed;
  bed.add_mapped(0, kTable - 2, 4);  // across a table boundary
  bed.add_mapped(0, kTable + 2, 1);  // adjacent, another range
  bed.add_mapped(1, kTable + 3, 1);  // adjacent, another VMA
  bed.add_mapped(1, kTable + 5, 1);
  const tlblab_account account =
      bed.run({.gather = TLBLAB_MERGED, .extent = TLBLAB_EXACT, .ceiling_pages = 7});
  EXPECT_EQ(account.requests, 2U);
  EXPECT_EQ(account.flushed_pages, 7U);
}

TEST(CoreUnmap, FrameMappedTwiceIsReleasedOnce) {
  for (const Way& way : all_compositions()) {
    Bed bed;
    bed.add_range(0, 10, 2);
    bed.add_range(1, 20, 1);
    FakeMachine::Frame* frame = bed.machine.map_page(10);
    bed.machine.map_page(11, frame);
    bed.machine.map_page(20, frame);
    FakeMachine::Frame* kept = bed.machine.map_page(30);  // in no range
    EXPECT_EQ(bed.run(way).released, 1U);
    EXPECT_EQ(frame->mappings, 0U);
    EXPECT_EQ(kept->mappings, 1U);
  }
}

TEST(CoreUnmap, FrameStillMappedElsewhereIsNotReleased) {
  Bed bed;
  bed.add_range(0, 10, 1);
  bed.machine.map_page(30, bed.machine.map_page(10));
  const tlblab_account account = bed.run({});
  EXPECT_EQ(account.cleared, 1U);
  EXPECT_EQ(account.released, 0U);
}

/// Holes, absent tables, several ranges, one after another within VMAs.
void lay_out_holes(Bed& bed, std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](u64 limit) { return random() % limit; };
  u64 page = below(2 * kTable);
  u64 vma = 0;
  const u64 nr_ranges = 1 + below(12);
  const u64 holes = below(4);  // none, some, mostly, nothing else
  for (u64 i = 0; i < nr_ranges; ++i) {
    const u64 nr = 1 + (below(3) == 0 ? below(3 * kTable) : below(100));
    bed.add_range(vma, page, nr);
    for (u64 j = 0; j < nr; ++j) {
      if (below(3) >= holes) bed.machine.map_page(page + j);
    }
    if (below(2) == 0) bed.machine.make_table(page);
    page += nr + (below(2) == 0 ? 0 : below(below(2) == 0 ? 5 : 3 * kTable));
    if (below(2) == 0) ++vma;
  }
}

constexpr std::uint32_t kSeeds = 150;

TEST(CoreUnmap, RandomListsCountAsForeseen) {
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    for (Way way : all_compositions()) {
      way.batch_pages = random() % 2 == 0 ? 0 : 1 + random() % 700;
      way.ceiling_pages = random() % 2 == 0 ? 33 : random() % 600;
      Bed bed;
      lay_out_holes(bed, seed);
      const tlblab_account foreseen = bed.foresee(way);
      expect_foreseen(bed.run(way), foreseen, way);
    }
  }
}

TEST(CoreUnmap, StopAtEachReschedPointLosesNothing) {
  for (Way way : all_compositions()) {
    for (const u64 batch : {0, 1, 300}) {
      way.batch_pages = batch;
      const u64 in_first = batch == 1 ? 20 : 600;
      const auto lay_out = [&](Bed& bed) {
        bed.add_mapped(0, 500, in_first);
        bed.add_mapped(1, 1500, 3);
        bed.add_range(1, 4000, 600);
        bed.add_mapped(2, 5000, 2);
      };
      Bed whole;
      lay_out(whole);
      const tlblab_account all = whole.run(way);
      ASSERT_GT(all.resched_points, 4U);
      bool cut_short = false;
      for (u64 point = 1; point <= all.resched_points; ++point) {
        Bed bed;
        lay_out(bed);
        bed.machine.stop_at(point);
        const tlblab_account account = bed.run(way, kEintr);
        EXPECT_EQ(account.released, account.cleared) << way.name();
        EXPECT_GE(account.resched_points, point);
        // The stop may come between entering a VMA and looking at its first entry.
        const u64 looked_at = account.cleared + account.empty;
        const u64 touched = looked_at <= in_first ? 1 : looked_at <= in_first + 603 ? 2 : 3;
        EXPECT_GE(account.vmas, touched) << way.name();
        EXPECT_LE(account.vmas, touched + 1) << way.name();
        cut_short = cut_short || account.cleared < all.cleared;
      }
      EXPECT_TRUE(cut_short) << way.name();
      Bed bed;
      lay_out(bed);
      bed.machine.stop_at(all.resched_points + 1);
      bed.run(way);
    }
  }
}

TEST(CoreUnmap, MillionPagesOverTenThousandVmas) {
  for (Way way : all_compositions()) {
    if (!way.one_interval) continue;
    way.batch_pages = 0;
    const ExpectedShape shape = {10'000, 100, 1, 0, kTable};
    run_shape(shape, way);
    tlblab_request request = request_of(way);
    request.batch_pages = 1000;
    EXPECT_LE(needs_of(request, way.row(), kTable, way.ceiling_pages).max_frames, 1000U);
  }
}

TEST(CoreUnmap, PhasesAreTimedOnlyOnRequest) {
  for (Way way : all_compositions()) {
    for (const u64 batch : {0, 100}) {
      way.batch_pages = batch;
      Bed off;
      off.add_mapped(0, 500, 200);
      off.run(way);
      EXPECT_EQ(off.machine.clock_reads, 0U);

      way.flags = TLBLAB_TIME_PHASES;
      Bed on;
      on.add_mapped(0, 500, 200);
      const tlblab_account account = on.run(way);
      EXPECT_EQ(account.clear_ns, on.machine.spans * FakeMachine::kSpanNs) << way.name();
      EXPECT_EQ(account.flush_ns, account.requests * FakeMachine::kFlushNs) << way.name();
      EXPECT_EQ(account.release_ns, on.machine.releases * FakeMachine::kReleaseNs) << way.name();

      Bed empty;  // nothing to flush or release after the last span
      empty.machine.make_table(500);
      empty.add_range(0, 500, 10);
      const tlblab_account none = empty.run(way);
      EXPECT_GT(empty.machine.spans, 0U);
      EXPECT_EQ(none.clear_ns, empty.machine.spans * FakeMachine::kSpanNs) << way.name();
      way.flags = 0;
    }
  }
}

/// A machine that doesn't know all of the second request's cost.
class Forgetful : public FakePlatform<true> {
 public:
  using FakePlatform<true>::FakePlatform;
  lab_flush_cost flush(const lab_flush& request) {
    lab_flush_cost cost = FakePlatform<true>::flush(request);
    if (++requests_ == 2) cost.targets = TLBLAB_UNKNOWN;
    return cost;
  }

 private:
  u32 requests_ = 0;
};

TEST(CoreUnmap, UnknownStaysUnknown) {
  Bed bed;
  bed.add_mapped(0, 10, 5);
  tlblab_account account{};
  EXPECT_EQ(bed.perform_on(Forgetful(bed.machine), {.gather = TLBLAB_PER_PAGE}, account), 0);
  EXPECT_EQ(account.targets, TLBLAB_UNKNOWN);
  EXPECT_EQ(account.requests, 5U);
}

}  // namespace
}  // namespace tlblab::core
