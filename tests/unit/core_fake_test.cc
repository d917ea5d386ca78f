// SPDX-License-Identifier: GPL-2.0-only
// The fake machine's checks, each shown to catch what it is for: first with broken calls made by
// hand, then with unmaps that are wrong on purpose.
#include <gtest/gtest.h>

#include "tests/unit/core_bed.hh"

namespace tlblab::core {
namespace {

constexpr const char* kUseAfterFree = "frame released while a stale translation is usable";
constexpr const char* kDebtLeft = "returned with a debt: a stale translation is usable";
constexpr const char* kNotReleased = "returned with frames not released";

/// A request of `nr` intervals.
lab_flush flush_of(const lab_interval* intervals, u32 nr) {
  lab_flush request{};
  request.intervals = intervals;
  request.nr_intervals = nr;
  request.stride_shift = kPageShift;
  return request;
}

/// A request of the whole address space.
lab_flush flush_of_all() {
  lab_flush request{};
  request.whole = true;
  return request;
}

/// Calls of the contract, one page at a time: page N is entry N of table 0.
class CoreFakeByHand : public testing::Test {
 protected:
  void SetUp() override {
    for (u64 page = 0; page < 200; ++page) machine_.map_page(page);
    machine_.map_page(600);
  }

  lab_table lock(u64 page = 0, u64 nr = 100) {
    lab_table table{};
    machine_.lock_table(nullptr, page * kPageBytes, (page + nr) * kPageBytes, table);
    return table;
  }
  void clear(lab_table& table, u64 page, u32 nr = 1) {
    machine_.clear_span(table, page * kPageBytes, nr, frames_);
  }
  /// Lock, clear and unlock.
  void unmap(u64 page, u32 nr = 1) {
    lab_table table = lock();
    clear(table, page, nr);
    machine_.unlock_table(table);
  }
  void flush(u64 page, u64 nr = 1) {
    const lab_interval interval = {page * kPageBytes, (page + nr) * kPageBytes};
    machine_.shoot_down(flush_of(&interval, 1));
  }
  void flush_all() { machine_.shoot_down(flush_of_all()); }
  /// That violation, and no other.
  void expect_caught(const char* what) {
    ASSERT_EQ(machine_.violations().size(), 1U) << what;
    EXPECT_EQ(machine_.violations().front(), what);
  }

  FakeMachine machine_;
  void* frames_[256] = {};
};

TEST_F(CoreFakeByHand, TheRightOrderIsNoViolation) {
  unmap(5, 3);
  flush(5, 3);
  machine_.release(frames_, 3);
  machine_.resched_point();
  machine_.finish();
  EXPECT_TRUE(machine_.violations().empty());
}

TEST_F(CoreFakeByHand, TwoLocks) {
  lock();
  lock();
  expect_caught("two tables locked");
}

TEST_F(CoreFakeByHand, UnlockWithoutLock) {
  lab_table table = lock();
  machine_.unlock_table(table);
  machine_.unlock_table(table);
  expect_caught("unlock without a lock");
}

TEST_F(CoreFakeByHand, UnlockOfAnotherTable) {
  lab_table table = lock();
  table.lock = nullptr;
  machine_.unlock_table(table);
  expect_caught("unlock of another table");
}

TEST_F(CoreFakeByHand, EmptySearch) {
  lock(5, 0);
  expect_caught("search of a bad range");
}

TEST_F(CoreFakeByHand, ClearWithoutLock) {
  lab_table table = lock();
  machine_.unlock_table(table);
  clear(table, 5);
  expect_caught("cleared without the lock");
}

TEST_F(CoreFakeByHand, SpanTooLong) {
  lab_table table = lock();
  clear(table, 0, kSpanEntries + 1);
  expect_caught("span of a bad length");
}

TEST_F(CoreFakeByHand, SpanAcrossTables) {
  lab_table table = lock(500, 200);
  clear(table, 500, 64);
  expect_caught("span outside the locked piece");
}

TEST_F(CoreFakeByHand, SpanOutsideThePiece) {
  lab_table table = lock(10, 10);
  clear(table, 9);
  expect_caught("span outside the locked piece");
}

TEST_F(CoreFakeByHand, FramesOutsideTheMemory) {
  machine_.expect_frames_in(frames_, 3);
  lab_table table = lock();
  clear(table, 0, 4);
  expect_caught("frames outside the memory given");
}

TEST_F(CoreFakeByHand, ReleaseBeforeFlush) {
  unmap(5);
  machine_.release(frames_, 1);
  expect_caught(kUseAfterFree);
}

TEST_F(CoreFakeByHand, ReleaseAfterTheFlushOfAnotherPage) {
  unmap(6);
  unmap(5);  // its frame is in frames_ now
  flush(6);
  machine_.release(frames_, 1);
  expect_caught(kUseAfterFree);
}

TEST_F(CoreFakeByHand, ReleaseAfterAFlushThatMissedOneCpu) {
  unmap(5);
  machine_.deafen(1U << 2);
  flush(5);
  machine_.release(frames_, 1);
  expect_caught(kUseAfterFree);
}

TEST_F(CoreFakeByHand, FlushBeforeClearDoesNotCount) {
  unmap(5);
  flush(5);
  machine_.release(frames_, 1);
  unmap(6);
  machine_.release(frames_, 1);
  expect_caught(kUseAfterFree);
}

TEST_F(CoreFakeByHand, ReleaseOfMoreMappingsThanWereFlushed) {
  machine_.map_page(300, machine_.map_page(301));
  lab_table table = lock(300, 2);
  clear(table, 300, 2);
  machine_.unlock_table(table);
  flush(300);
  machine_.release(frames_, 2);
  expect_caught(kUseAfterFree);
}

TEST_F(CoreFakeByHand, ReleaseUnderLock) {
  unmap(5);
  flush(5);
  lock();
  machine_.release(frames_, 1);
  expect_caught("release under a table lock");
}

TEST_F(CoreFakeByHand, ReleaseOfTooMany) {
  unmap(0, 64);
  flush_all();
  lab_table table = lock(64, 1);
  machine_.clear_span(table, 64 * kPageBytes, 1, frames_ + 64);
  machine_.unlock_table(table);
  flush_all();
  machine_.release(frames_, kSpanEntries + 1);
  expect_caught("release of a bad number of frames");
}

TEST_F(CoreFakeByHand, ReschedUnderLock) {
  lock();
  machine_.resched_point();
  expect_caught("resched point under a table lock");
}

TEST_F(CoreFakeByHand, FlushOfAPageNotCleared) {
  unmap(5, 2);
  flush(5, 3);
  expect_caught("flush of a page that was not cleared");
}

TEST_F(CoreFakeByHand, FlushOfAGapIsNotExact) {
  machine_.expect_exact(true);
  unmap(5);
  unmap(7);
  flush(5, 3);
  expect_caught("flush of a page that was not cleared");
}

TEST_F(CoreFakeByHand, EmptyInterval) {
  unmap(5);
  flush(5, 0);
  expect_caught("bad interval");
}

TEST_F(CoreFakeByHand, IntervalsOutOfOrder) {
  unmap(5);
  unmap(7);
  const lab_interval intervals[] = {{7 * kPageBytes, 8 * kPageBytes},
                                    {5 * kPageBytes, 6 * kPageBytes}};
  broadcast_flush(machine_, flush_of(intervals, 2), {});
  expect_caught("bad interval");
}

TEST_F(CoreFakeByHand, ListWhereOneIntervalIsAllowed) {
  unmap(5);
  unmap(7);
  const lab_interval intervals[] = {{5 * kPageBytes, 6 * kPageBytes},
                                    {7 * kPageBytes, 8 * kPageBytes}};
  machine_.shoot_down(flush_of(intervals, 2));
  expect_caught("request of a bad number of intervals");
}

TEST_F(CoreFakeByHand, FullFlushWithoutDebt) {
  flush_all();
  expect_caught("flush without a debt");
}

TEST_F(CoreFakeByHand, TooLongWithoutReschedPoint) {
  for (u64 i = 0; i <= FakeMachine::kMostWork / 50; ++i) unmap(0, 50);
  expect_caught("too long without a resched point");
}

TEST_F(CoreFakeByHand, ClearAfterStop) {
  machine_.stop_at(1);
  EXPECT_FALSE(machine_.resched_point());
  unmap(5);
  expect_caught("cleared after stop");
}

TEST_F(CoreFakeByHand, ReturnWithLock) {
  lock();
  machine_.finish();
  expect_caught("returned with a table locked");
}

TEST_F(CoreFakeByHand, ReturnWithFrames) {
  unmap(5);
  flush(5);
  machine_.finish();
  expect_caught(kNotReleased);
}

TEST_F(CoreFakeByHand, ReturnWithDebt) {
  unmap(5);
  machine_.finish();
  EXPECT_TRUE(machine_.saw(kDebtLeft));
  EXPECT_TRUE(machine_.saw(kNotReleased));
}

// --- Wrong broadcasts: the steps of broadcast.hh in another order, or not all of them.

TEST_F(CoreFakeByHand, AsidReadBeforeEntriesAreVisible) {
  unmap(5);
  const u64 asid = machine_.read_asid();
  machine_.publish();
  machine_.invalidate(asid, {5 * kPageBytes, 6 * kPageBytes}, true);
  machine_.complete(true);
  EXPECT_TRUE(machine_.saw("invalidated under an ASID that was read too early"));
  machine_.release(frames_, 1);
  EXPECT_TRUE(machine_.saw(kUseAfterFree));
}

TEST_F(CoreFakeByHand, InvalidatedBeforeEntriesAreVisible) {
  unmap(5);
  machine_.invalidate(machine_.read_asid(), {5 * kPageBytes, 6 * kPageBytes}, true);
  machine_.publish();
  machine_.complete(true);
  expect_caught("invalidated before the empty entry was visible");
}

TEST_F(CoreFakeByHand, InvalidatedAndNotCompleted) {
  unmap(5);
  machine_.publish();
  machine_.invalidate_mm(machine_.read_asid(), true);
  machine_.release(frames_, 1);
  expect_caught(kUseAfterFree);
}

TEST_F(CoreFakeByHand, BrokenCompletionWithoutItsRepetition) {
  machine_.break_completion();
  unmap(5);
  machine_.publish();
  machine_.invalidate_mm(machine_.read_asid(), false);
  EXPECT_EQ(machine_.complete(false), 0U);
  machine_.release(frames_, 1);
  expect_caught(kUseAfterFree);
}

/// What walks have cached of freed tables has no interval: only all of the mm covers it.
TEST_F(CoreFakeByHand, FreedTablesTakeAFlushOfTheWholeMm) {
  const lab_interval interval = {5 * kPageBytes, 6 * kPageBytes};
  lab_flush request = flush_of(&interval, 1);
  request.tables_freed = true;
  for (const bool each : {false, true}) {
    unmap(5);
    unmap(7);
    const lab_flush_cost cost = broadcast_flush(machine_, request, {.each = each});
    EXPECT_EQ(cost.tlbi, 1U);
    EXPECT_EQ(cost.dsb_ish, 1U);
    machine_.release(frames_, 1);  // page 7's
    EXPECT_TRUE(machine_.violations().empty());
    machine_.map_page(5);
    machine_.map_page(7);
  }
  request.tables_freed = false;
  unmap(5);
  unmap(7);
  broadcast_flush(machine_, request, {});
  machine_.release(frames_, 1);
  expect_caught(kUseAfterFree);
}

TEST(CoreBroadcast, RepeatsOnCoresWithBrokenCompletion) {
  for (const Way& way : all_compositions()) {
    if (way.one_interval) continue;
    for (const bool each : {false, true}) {
      for (const bool repeat : {false, true}) {
        Bed bed;
        bed.machine.break_completion();
        bed.add_mapped(0, 10, 3);
        bed.add_mapped(1, 20, 3);
        tlblab_account account{};
        bed.perform_on(FakePlatform<false>(bed.machine, {.each = each, .repeat = repeat}), way,
                       account);
        EXPECT_EQ(bed.machine.violations().empty(), repeat) << way.name();
        EXPECT_EQ(account.repeats, repeat ? account.dsb_ish : 0) << way.name();
        EXPECT_EQ(account.dsb_ish, each ? account.tlbi : account.requests) << way.name();
      }
    }
  }
}

// --- Wrong unmaps.

using Sound = FakePlatform<true>;

/// No flush.
struct NoFlush : Sound {
  using Sound::Sound;
  lab_flush_cost flush(const lab_flush&) { return {}; }
};

/// One flush of them all is lost.
struct SecondFlushLost : Sound {
  using Sound::Sound;
  lab_flush_cost flush(const lab_flush& request) {
    return ++nr_ == 2 ? lab_flush_cost{} : Sound::flush(request);
  }
  u32 nr_ = 0;
};

/// The last page of each interval is left out, and a full flush is of one page.
struct ShortFlush : Sound {
  using Sound::Sound;
  lab_flush_cost flush(const lab_flush& request) {
    lab_interval shorter = {10 * kPageBytes, 11 * kPageBytes};
    if (!request.whole) {
      shorter = {request.intervals->start, request.intervals->end - kPageBytes};
    }
    return shorter.start == shorter.end ? lab_flush_cost{} : Sound::flush(flush_of(&shorter, 1));
  }
};

template <class Wrong>
void expect_use_after_free(const Way& way) {
  Bed bed;
  bed.add_mapped(0, 10, 20);
  bed.add_mapped(1, 40, 20);
  tlblab_account account{};
  bed.perform_on(Wrong(bed.machine), way, account);
  EXPECT_TRUE(bed.machine.saw(kUseAfterFree)) << way.name();
  EXPECT_TRUE(bed.machine.saw(kDebtLeft)) << way.name();
}

TEST(CoreFaults, FlushesThatDoTooLittleAreCaughtUnderEveryScheme) {
  for (Way way : all_compositions()) {
    if (!way.one_interval) continue;
    way.batch_pages = 15;
    expect_use_after_free<NoFlush>(way);
    expect_use_after_free<ShortFlush>(way);
    // A later envelope may cover what the lost one should have: too late, the frame was released.
    Bed bed;
    bed.add_mapped(0, 10, 20);
    bed.add_mapped(1, 40, 20);
    tlblab_account account{};
    bed.perform_on(SecondFlushLost(bed.machine), way, account);
    EXPECT_TRUE(bed.machine.saw(kUseAfterFree)) << way.name();
  }
}

/// Unmaps pages [10, 20) by hand, in an order of its own: 'c'lear, 'f'lush, 'r'elease.
FakeMachine unmap_in_order(const char* order) {
  FakeMachine machine;
  for (u64 page = 10; page < 20; ++page) machine.map_page(page);
  const lab_interval interval = {10 * kPageBytes, 20 * kPageBytes};
  void* frames[10] = {};
  for (const char* step = order; *step != '\0'; ++step) {
    if (*step == 'c') {
      lab_table table{};
      machine.lock_table(nullptr, interval.start, interval.end, table);
      machine.clear_span(table, interval.start, 10, frames);
      machine.unlock_table(table);
    } else if (*step == 'f') {
      machine.shoot_down(flush_of(&interval, 1));
    } else {
      machine.release(frames, 10);
    }
  }
  machine.finish();
  return machine;
}

TEST(CoreFaults, OnlyOneOrderIsSound) {
  EXPECT_TRUE(unmap_in_order("cfr").violations().empty());
  EXPECT_TRUE(unmap_in_order("crf").saw(kUseAfterFree)) << "free before flush";
  EXPECT_TRUE(unmap_in_order("fcr").saw(kUseAfterFree)) << "early flush";
  EXPECT_TRUE(unmap_in_order("cr").saw(kUseAfterFree)) << "no flush";
  EXPECT_TRUE(unmap_in_order("cf").saw(kNotReleased)) << "a leak of frames";
}

/// Between the last span and finish() a gather still owes a flush.
TEST(CoreFaults, AGatherThatIsNotFinishedLeavesADebt) {
  Bed bed;
  bed.add_mapped(0, 10, 3);
  Sound platform(bed.machine);
  tlblab_account account{};
  lab_interval slot{};
  void* frames[3] = {};
  Operation<Sound> operation(platform, account, false);
  Gather<Sound, Envelope, Strict<Sound>, false> gather(operation, Boundary::kEnd,
                                                       Envelope(&slot, 33, kPageShift),
                                                       flush_of(nullptr, 0), Batch(frames, 3));
  lab_table table{};
  platform.lock_table(nullptr, 10 * kPageBytes, 13 * kPageBytes, table);
  const lab_span span = platform.clear_span(table, 10 * kPageBytes, 3, gather.batch().slots());
  gather.add(10 * kPageBytes, span.cleared);
  platform.unlock_table(table);
  EXPECT_EQ(gather.batch().room(), 0U);
  EXPECT_EQ(account.requests, 0U);
  FakeMachine unfinished = bed.machine;
  unfinished.finish();
  EXPECT_TRUE(unfinished.saw(kDebtLeft));
  EXPECT_TRUE(unfinished.saw(kNotReleased));

  gather.finish();
  EXPECT_EQ(account.requests, 1U);
  EXPECT_EQ(account.released, 3U);
  bed.machine.finish();
  EXPECT_TRUE(bed.machine.violations().empty());
}

}  // namespace
}  // namespace tlblab::core
