// SPDX-License-Identifier: GPL-2.0-only
// The two ends of an address's life on the fake machine, populate and close, and the answers to
// faults in between.
#include <gtest/gtest.h>

#include <vector>

#include "kmod/core/operation/fault.hh"
#include "kmod/core/operation/populate.hh"
#include "kmod/core/safety/leftovers.hh"
#include "tests/unit/core_bed.hh"

namespace tlblab::core {
namespace {

constexpr const char* kShadowed = "entry set while a stale translation is usable";
constexpr const char* kUseAfterFree = "frame released while a stale translation is usable";

/// Words of one thread.
struct PlainWords {
  using Word = u64;
  u64 load(const Word& word, Order) { return word; }
  u64 add(Word& word, u64 delta, Order) { return word += delta; }
  bool exchange_if(Word& word, u64 expected, u64 desired, Order) {
    if (word != expected) return false;
    word = desired;
    return true;
  }
};

/// A rule that forgets nothing.
struct NoRule {
  template <class Flush>
  void forget(Flush) {}
};

class CorePopulate : public testing::Test {
 protected:
  lab_piece piece(u64 page, u64 nr) {
    return {.start = page * kPageBytes, .end = (page + nr) * kPageBytes, .vma = this};
  }
  template <class Rule>
  int run(const std::vector<lab_piece>& pieces, Rule& rule) {
    populated_ = 0;
    return populate(platform_, rule, pieces.data(), pieces.size(), kPageShift, populated_);
  }
  int run(const std::vector<lab_piece>& pieces) { return run(pieces, leftovers_); }
  void expect_no_violation() {
    machine_.finish();
    EXPECT_TRUE(machine_.violations().empty()) << machine_.violations().front();
  }
  /// As a scheme that never flushes.
  void clear_and_flush_nothing(u64 page) {
    lab_table table{};
    void* frame = nullptr;
    leftovers_.mark();
    machine_.lock_table(nullptr, page * kPageBytes, (page + 1) * kPageBytes, table);
    machine_.clear_span(table, page * kPageBytes, 1, &frame);
    machine_.unlock_table(table);
    leftovers_.mark();
  }

  FakeMachine machine_;
  FakePlatform<true> platform_{machine_};
  PlainWords words_;
  u64 marked_ = 0;
  u64 flushed_ = 0;
  Leftovers<PlainWords> leftovers_{words_, marked_, flushed_};
  u64 populated_ = 0;
};

TEST_F(CorePopulate, SetsWhatIsEmpty) {
  machine_.map_page(70);
  machine_.map_page(600);
  EXPECT_EQ(run({piece(10, 200), piece(500, 300)}), 0);
  EXPECT_EQ(populated_, 498U);
  for (u64 page = 10; page < 210; ++page) EXPECT_TRUE(machine_.is_mapped(page));
  for (u64 page = 500; page < 800; ++page) EXPECT_TRUE(machine_.is_mapped(page));
  EXPECT_FALSE(machine_.is_mapped(210));
  expect_no_violation();
}

TEST_F(CorePopulate, WithoutFramesSetsSomeAndSaysSo) {
  machine_.limit_memory(100, 10);
  EXPECT_EQ(run({piece(0, 300)}), kEnomem);
  EXPECT_EQ(populated_, 100U);
  expect_no_violation();
}

TEST_F(CorePopulate, WithoutTablesGivesBackWhatItReserved) {
  machine_.limit_memory(1000, 1);
  EXPECT_EQ(run({piece(480, 64)}), kEnomem);
  EXPECT_EQ(populated_, 32U);
  EXPECT_FALSE(machine_.is_mapped(512));
  expect_no_violation();
}

TEST_F(CorePopulate, LeavesForeignEntriesAndSetsTheOthers) {
  machine_.plant_foreign(20);
  EXPECT_EQ(run({piece(10, 20), piece(40, 5)}), kEuclean);
  EXPECT_EQ(populated_, 24U);
  EXPECT_TRUE(machine_.is_foreign(20));
  EXPECT_TRUE(machine_.is_mapped(44));
  expect_no_violation();
}

TEST_F(CorePopulate, StopsWhenTold) {
  machine_.stop_at(2);
  EXPECT_EQ(run({piece(0, 300)}), kEintr);
  EXPECT_EQ(populated_, 2 * kSpanEntries);
  expect_no_violation();
}

TEST_F(CorePopulate, ForgetsBeforeItSets) {
  machine_.map_page(10);
  clear_and_flush_nothing(10);
  EXPECT_EQ(run({piece(10, 1)}), 0);
  EXPECT_FALSE(machine_.saw(kShadowed));
}

TEST_F(CorePopulate, TheFakeSeesOneThatDoesNotForget) {
  NoRule rule;
  machine_.map_page(10);
  clear_and_flush_nothing(10);
  EXPECT_EQ(run({piece(10, 1)}, rule), 0);
  EXPECT_TRUE(machine_.saw(kShadowed));
}

TEST_F(CorePopulate, CloseReleasesWhatMunmapFound) {
  for (u64 page = 0; page < 200; ++page) machine_.map_page(page);
  machine_.munmap(0, 200);
  close(platform_, leftovers_, this);
  expect_no_violation();
}

TEST_F(CorePopulate, CloseForgetsWhatMunmapDidNotFind) {
  // One frame at two addresses: munmap() finds only the second.
  machine_.map_page(11, machine_.map_page(10));
  clear_and_flush_nothing(10);
  machine_.munmap(11, 1);
  close(platform_, leftovers_, this);
  EXPECT_FALSE(machine_.saw(kUseAfterFree));
  machine_.finish();
  EXPECT_FALSE(machine_.saw("returned with a debt: a stale translation is usable"));
}

TEST_F(CorePopulate, TheFakeSeesACloseThatDoesNotForget) {
  NoRule rule;
  machine_.map_page(10);
  clear_and_flush_nothing(10);
  close(platform_, rule, this);
  machine_.finish();
  EXPECT_TRUE(machine_.saw("returned with a debt: a stale translation is usable"));
}

TEST(CoreFault, IsAnsweredByTheEntrysState) {
  for (const bool write : {false, true}) {
    EXPECT_EQ(answer_fault(LAB_ENTRY_SET, write), LAB_FAULT_LOOK_AGAIN);
    EXPECT_EQ(answer_fault(LAB_ENTRY_BUSY, write), LAB_FAULT_WAIT);
    EXPECT_EQ(answer_fault(LAB_ENTRY_ASIDE, write), LAB_FAULT_REFUSE);
    EXPECT_EQ(answer_fault(LAB_ENTRY_EMPTY, write), LAB_FAULT_REFUSE);
  }
  EXPECT_EQ(answer_fault(LAB_ENTRY_READ_ONLY, false), LAB_FAULT_LOOK_AGAIN);
  EXPECT_EQ(answer_fault(LAB_ENTRY_READ_ONLY, true), LAB_FAULT_REFUSE);
}

}  // namespace
}  // namespace tlblab::core
