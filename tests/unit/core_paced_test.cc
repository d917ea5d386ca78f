// SPDX-License-Identifier: GPL-2.0-only
// Paced operations on the fake machine: each step is announced once, before it is taken, and the
// result is the same as without a pace.
#include <gtest/gtest.h>

#include "kmod/core/wrap/faults.hh"
#include "kmod/core/wrap/paced.hh"
#include "tests/unit/core_bed.hh"

namespace tlblab::core {
namespace {

/// The fake; fails on any call that was not announced just before.
template <bool kOneInterval>
class Announced : public FakePlatform<kOneInterval> {
 public:
  using Base = FakePlatform<kOneInterval>;
  using Base::Base;

  void stop_before(u32 step, u64 subject, bool may_yield) {
    EXPECT_EQ(step_, 0U) << "announced and not done";
    EXPECT_EQ(may_yield, !locked_);
    step_ = step;
    subject_ = subject;
    ++nr_stops;
  }

  bool lock_table(void* vma, u64 start, u64 end, lab_table& table) {
    locked_ = Base::lock_table(vma, start, end, table);
    return locked_;
  }
  void unlock_table(lab_table& table) {
    locked_ = false;
    Base::unlock_table(table);
  }
  lab_span clear_span(lab_table& table, u64 address, u32 nr, void** frames) {
    EXPECT_EQ(nr, 1U);
    expect(TLBLAB_STEP_CLEAR, address);
    ++clears;
    return Base::clear_span(table, address, nr, frames);
  }
  lab_flush_cost flush(const lab_flush& request) {
    expect(TLBLAB_STEP_FLUSH, request.whole ? 0 : request.intervals->start);
    ++flushes;
    return Base::flush(request);
  }
  u64 release(void* const* frames, u32 nr) {
    EXPECT_EQ(nr, 1U);
    expect(TLBLAB_STEP_RELEASE, reinterpret_cast<u64>(*frames));
    ++releases;
    return Base::release(frames, nr);
  }

  u64 nr_stops = 0;
  u64 clears = 0;
  u64 flushes = 0;
  u64 releases = 0;

 private:
  void expect(u32 step, u64 subject) {
    EXPECT_EQ(step_, step);
    EXPECT_EQ(subject_, subject);
    step_ = 0;
  }

  u32 step_ = 0;  ///< announced; 0: none
  u64 subject_ = 0;
  bool locked_ = false;
};

/// Three VMAs over two tables, a hole in the last.
void lay_out(Bed& bed) {
  bed.add_mapped(0, 10, 20);
  bed.add_mapped(1, 40, 100);
  bed.add_range(2, 500, 30);
  for (const u64 page : {500, 501, 511, 512, 513, 529}) bed.machine.map_page(page);
}

void expect_same(const tlblab_account& seen, const tlblab_account& plain, const Way& way) {
  expect_foreseen(seen, plain, way);
  EXPECT_EQ(seen.targets, plain.targets) << way.name();
  EXPECT_EQ(seen.tlbi, plain.tlbi) << way.name();
  EXPECT_EQ(seen.dsb_ishst, plain.dsb_ishst) << way.name();
  EXPECT_EQ(seen.dsb_ish, plain.dsb_ish) << way.name();
  EXPECT_EQ(seen.released, plain.released) << way.name();
  EXPECT_EQ(seen.resched_points, plain.resched_points) << way.name();
}

/// Calls f(announced platform, its bed, way) for every composition, with and without a batch limit.
template <class F>
void for_each_way(F f) {
  for (Way way : all_compositions()) {
    for (const u64 batch_pages : {0, 1, 15}) {
      way.batch_pages = batch_pages;
      Bed bed;
      lay_out(bed);
      if (way.one_interval) {
        Announced<true> announced(bed.machine);
        f(announced, bed, way);
      } else {
        Announced<false> announced(bed.machine);
        f(announced, bed, way);
      }
    }
  }
}

TEST(CorePaced, AnnouncesEachStepOnceAndDoesTheSame) {
  for_each_way([](auto& announced, Bed& bed, const Way& way) {
    Bed plain_bed;
    lay_out(plain_bed);
    const tlblab_account plain = plain_bed.run(way);
    tlblab_account account{};
    EXPECT_EQ(bed.perform_on(Paced(announced, kPageShift), way, account), 0) << way.name();
    EXPECT_TRUE(bed.machine.violations().empty())
        << way.name() << ": " << bed.machine.violations().front();
    expect_same(account, plain, way);
    EXPECT_EQ(announced.clears, bed.nr_pages()) << way.name();
    EXPECT_EQ(announced.flushes, account.requests) << way.name();
    EXPECT_EQ(announced.releases, account.cleared) << way.name();
    EXPECT_EQ(announced.nr_stops, announced.clears + announced.flushes + announced.releases);
  });
}

/// With a planted fault, what is announced is what is really done.
TEST(CorePaced, UnderFaultsAnnouncesWhatIsDone) {
  for (const auto& [fault, name, summary, breaks] : catalogue::kFaults) {
    if (breaks != catalogue::Breaks::kOrder) continue;
    for_each_way([fault = fault, name = name](auto& announced, Bed& bed, Way way) {
      way.fault = fault;
      const tlblab_account foreseen = bed.foresee(way);
      tlblab_account account{};
      Paced paced(announced, kPageShift);
      EXPECT_EQ(bed.perform_on(paced, way, account), 0) << way.name();
      expect_foreseen(account, foreseen, way);
      EXPECT_EQ(announced.clears, bed.nr_pages()) << way.name();
      EXPECT_EQ(announced.releases, account.cleared) << way.name();
      const u64 flushes = fault == TLBLAB_NO_FLUSH        ? 0
                          : fault == TLBLAB_RELEASE_FIRST ? account.requests
                                                          : 1;
      EXPECT_EQ(announced.flushes, flushes) << way.name() << " fault " << name;
    });
  }
}

}  // namespace
}  // namespace tlblab::core
