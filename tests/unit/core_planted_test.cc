// SPDX-License-Identifier: GPL-2.0-only
// Planted faults on the fake machine: each is wrong in the intended way, and in no other, under
// every scheme; the account still says what was done.
#include <gtest/gtest.h>

#include "kmod/core/wrap/faults.hh"
#include "tests/unit/core_bed.hh"

namespace tlblab::core {
namespace {

constexpr const char* kUseAfterFree = "frame released while a stale translation is usable";
constexpr const char* kDebtLeft = "returned with a debt: a stale translation is usable";
constexpr const char* kLockedRelease = "release under a table lock";
constexpr const char* kTooLong = "too long without a resched point";
constexpr const char* kFlushOfNothing = "flush without a debt";

/// The fake, counting what reaches it. Each frame is mapped once, so each is released once.
template <bool kOneInterval>
class Counting : public FakePlatform<kOneInterval> {
 public:
  using Base = FakePlatform<kOneInterval>;
  using Base::Base;

  lab_flush_cost flush(const lab_flush& request) {
    if (spans == 0) ++early_flushes;
    ++flushes;
    return Base::flush(request);
  }
  lab_span clear_span(lab_table& table, u64 address, u32 nr, void** frames) {
    ++spans;
    return Base::clear_span(table, address, nr, frames);
  }
  u64 release(void* const* frames, u32 nr) {
    Base::release(frames, nr);
    for (u32 i = 0; i < nr; ++i) ++releases[frames[i]];
    return nr;
  }
  bool resched_point() {
    ++rescheds;
    return Base::resched_point();
  }

  u64 spans = 0;
  u64 flushes = 0;
  u64 early_flushes = 0;  ///< of these: before anything was cleared
  u64 rescheds = 0;
  std::map<void*, u64> releases;  ///< by frame
};

/// A bed with two VMAs in one table and a third that fills two, and one unmap of them under a
/// fault.
template <bool kOneInterval>
struct Planted {
  Planted(u32 fault, Way way, u64 stop_at = 0) : counting(bed.machine) {
    bed.add_mapped(0, 10, 20);
    bed.add_mapped(1, 40, 20);
    bed.add_mapped(2, 500, 700);
    bed.machine.stop_at(stop_at);
    foreseen = bed.foresee(way);
    way.fault = fault;
    status = bed.perform_on(counting, way, account);
  }

  [[nodiscard]] bool saw(const char* what) const { return bed.machine.saw(what); }
  /// Each frame that was cleared was released once, and the account says so.
  void expect_each_released_once(const Way& way) const {
    EXPECT_EQ(counting.releases.size(), account.cleared) << way.name();
    for (const auto& [frame, nr] : counting.releases) EXPECT_EQ(nr, 1U) << way.name();
    EXPECT_EQ(account.released, account.cleared) << way.name();
  }

  Bed bed;
  Counting<kOneInterval> counting;
  tlblab_account foreseen{};
  tlblab_account account{};
  int status = 0;
};

/// Calls f(planted, way) for every composition, with and without a batch limit.
template <class F>
void for_each_way(u32 fault, F f) {
  for (Way way : all_compositions()) {
    for (const u64 batch_pages : {0, 15, 100}) {
      way.batch_pages = batch_pages;
      if (way.one_interval) {
        f(Planted<true>(fault, way), way);
      } else {
        f(Planted<false>(fault, way), way);
      }
    }
  }
}

/// Whether the scheme flushes while a table is locked.
bool flushes_under_the_lock(const Way& way) { return way.row().flush_at <= Boundary::kTable; }

TEST(CoreFaulty, OnlyTwoOfThemBreakThePlatform) {
  EXPECT_FALSE(breaks_platform(0));
  EXPECT_TRUE(breaks_platform(TLBLAB_NO_FLUSH));
  EXPECT_FALSE(breaks_platform(TLBLAB_RELEASE_FIRST));
  EXPECT_TRUE(breaks_platform(TLBLAB_EARLY_FULL_FLUSH));
  EXPECT_FALSE(breaks_platform(TLBLAB_TRUST_NONE));
  EXPECT_FALSE(breaks_platform(TLBLAB_NO_REPEAT));
}

TEST(CoreFaulty, NoFlush) {
  for_each_way(TLBLAB_NO_FLUSH, [](const auto& planted, const Way& way) {
    EXPECT_EQ(planted.status, 0) << way.name();
    EXPECT_EQ(planted.counting.flushes, 0U) << way.name();
    EXPECT_TRUE(planted.saw(kUseAfterFree)) << way.name();
    EXPECT_TRUE(planted.saw(kDebtLeft)) << way.name();
    EXPECT_FALSE(planted.saw(kLockedRelease)) << way.name();
    expect_foreseen(planted.account, planted.foreseen, way);
    EXPECT_EQ(planted.account.targets, 0U) << way.name();
    EXPECT_EQ(planted.account.dsb_ish, 0U) << way.name();
    planted.expect_each_released_once(way);
  });
}

TEST(CoreFaulty, ReleaseFirst) {
  for_each_way(TLBLAB_RELEASE_FIRST, [](const auto& planted, const Way& way) {
    EXPECT_EQ(planted.status, 0) << way.name();
    // Every flush is made, only too late.
    EXPECT_EQ(planted.counting.flushes, planted.foreseen.requests) << way.name();
    EXPECT_EQ(planted.counting.early_flushes, 0U) << way.name();
    EXPECT_TRUE(planted.saw(kUseAfterFree)) << way.name();
    EXPECT_FALSE(planted.saw(kDebtLeft)) << way.name();
    // A table's frames cleared and released under its lock are twice the work of one of the two.
    if (!flushes_under_the_lock(way)) {
      EXPECT_FALSE(planted.saw(kTooLong)) << way.name();
    }
    EXPECT_EQ(planted.saw(kLockedRelease), flushes_under_the_lock(way)) << way.name();
    expect_foreseen(planted.account, planted.foreseen, way);
    EXPECT_EQ(planted.account.dsb_ish, way.one_interval ? 0 : planted.account.requests)
        << way.name();
    planted.expect_each_released_once(way);
  });
}

TEST(CoreFaulty, EarlyFullFlush) {
  for_each_way(TLBLAB_EARLY_FULL_FLUSH, [](const auto& planted, const Way& way) {
    EXPECT_EQ(planted.status, 0) << way.name();
    EXPECT_EQ(planted.counting.flushes, 1U) << way.name();
    EXPECT_EQ(planted.counting.early_flushes, 1U) << way.name();
    EXPECT_TRUE(planted.saw(kFlushOfNothing)) << way.name();
    EXPECT_TRUE(planted.saw(kUseAfterFree)) << way.name();
    EXPECT_TRUE(planted.saw(kDebtLeft)) << way.name();
    expect_foreseen(planted.account, planted.foreseen, way);
    // The one flush that was made is accounted for once.
    EXPECT_EQ(planted.account.targets, way.one_interval ? FakeMachine::kCpus - 1 : TLBLAB_UNKNOWN)
        << way.name();
    EXPECT_EQ(planted.account.dsb_ish, way.one_interval ? 0 : 1U) << way.name();
    planted.expect_each_released_once(way);
  });
}

/// A request to stop in the middle of an early release is not lost.
TEST(CoreFaulty, StopsAndSettlesWhenTold) {
  for (const auto& [fault, name, summary, breaks] : catalogue::kFaults) {
    if (breaks != catalogue::Breaks::kOrder) continue;
    for (u64 point = 1; point < 12; ++point) {
      const Way way = {.gather = TLBLAB_PER_VMA, .batch_pages = 300};
      const Planted<true> planted(fault, way, point);
      EXPECT_EQ(planted.status, planted.counting.rescheds < point ? 0 : kEintr) << name;
      EXPECT_FALSE(planted.saw("cleared after stop")) << name << " " << point;
      planted.expect_each_released_once(way);
    }
  }
}

}  // namespace
}  // namespace tlblab::core
