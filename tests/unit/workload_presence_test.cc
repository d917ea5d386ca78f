// SPDX-License-Identifier: GPL-2.0-only
// Who was there during a window: gaps and the kernel's books, with each absence planted.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>

#include "user/support/page_size.hh"
#include "user/topology/placement.hh"
#include "user/workload/gap_log.hh"
#include "user/workload/presence.hh"

namespace tlblab {
namespace {

constexpr std::uint64_t kStart = 1'000'000'000'000;
constexpr TimeSpan kWindow{kStart + 10'000, kStart + 110'000};  // 100 us

GapLog log_of(std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> gaps) {
  GapLog log;
  log.begin(kStart);
  for (const auto& [begin, end] : gaps) log.add(kStart + begin, kStart + end);
  return log;
}

TEST(GapLog, CountsWhatOverlapsTheWindowInItsWholeLength) {
  const GapLog log = log_of({{1'000, 9'000},        // the hand-shake before it
                             {9'500, 10'500},       // reaches in
                             {50'000, 52'000},      // inside
                             {109'000, 113'000},    // reaches out
                             {110'000, 119'000}});  // after it
  const GapLog::Loss loss = log.loss_in(kWindow);
  EXPECT_EQ(loss.interrupts, 3U);
  EXPECT_EQ(loss.stolen_ns, 1'000U + 2'000U + 4'000U);
}

TEST(GapLog, ForgetsTheTrialBefore) {
  GapLog log = log_of({{50'000, 52'000}});
  log.begin(kStart);
  EXPECT_EQ(log.loss_in(kWindow).interrupts, 0U);
}

/// Which gap was the switch is not known: it may have been any, so the longest are taken.
TEST(GapLog, AThreadWasAwayForItsLongestGapsAtMost) {
  const GapLog log = log_of({{5'000, 15'000}, {20'000, 21'000}, {30'000, 33'000}});
  EXPECT_EQ(log.most_away_ns(0, kWindow), 0U);
  EXPECT_EQ(log.most_away_ns(1, kWindow), 5'000U) << "only what lies in the window";
  EXPECT_EQ(log.most_away_ns(2, kWindow), 8'000U);
  EXPECT_EQ(log.most_away_ns(9, kWindow), 9'000U) << "more switches than gaps";
}

TEST(GapLog, PastItsCapacityNothingIsCalledShort) {
  GapLog log;
  log.begin(kStart);
  const TimeSpan window{kStart, kStart + 20'000'000};
  for (std::uint64_t i = 0; i < GapLog::kCapacity + 2; ++i) {
    log.add(kStart + 1'000 * i, kStart + 1'000 * i + 10);
  }
  EXPECT_EQ(log.loss_in(window).interrupts, GapLog::kCapacity + 2);
  EXPECT_EQ(log.loss_in(window).stolen_ns, 10 * (GapLog::kCapacity + 2));
  EXPECT_EQ(log.most_away_ns(1, window), window.length_ns());
  EXPECT_EQ(log.most_away_ns(0, window), 0U);
}

TEST(Away, IsTooLongByItsShareOfTheWindow) {
  EXPECT_FALSE(is_away_too_long(0, {}));
  EXPECT_FALSE(is_away_too_long(2'000, kWindow));
  EXPECT_TRUE(is_away_too_long(2'001, kWindow));
  EXPECT_FALSE(is_away_too_long(2'001, {0, 10'000'000})) << "a long window bears more";
}

/// Taken around kWindow by a thread that never left its CPU.
std::pair<Presence, Presence> undisturbed() {
  Presence before;
  before.at_ns = kStart;
  before.on_cpu_ns = 77;
  before.cpu = 3;
  Presence after = before;
  after.at_ns += 120'000;
  after.on_cpu_ns += 120'000;
  return {before, after};
}

TEST(Initiator, ThatStayedIsFine) {
  const auto [before, after] = undisturbed();
  EXPECT_EQ(initiator_state(before, after, kWindow), TrialState::kOk);
}

TEST(Initiator, ThatWasPreemptedForLongIsSetApart) {
  auto [before, after] = undisturbed();
  ++after.preempted;
  after.on_cpu_ns -= 2'001;
  EXPECT_EQ(initiator_state(before, after, kWindow), TrialState::kInitiatorSwitched);
  after.on_cpu_ns += 1;
  EXPECT_EQ(initiator_state(before, after, kWindow), TrialState::kOk) << "2 % of the window";
}

TEST(Initiator, MayWaitAsPartOfTheOperation) {
  auto [before, after] = undisturbed();
  ++after.waited;
  after.on_cpu_ns -= 50'000;
  EXPECT_EQ(initiator_state(before, after, kWindow), TrialState::kOk);
}

TEST(Initiator, OnAnotherCpuIsSetApart) {
  auto [before, after] = undisturbed();
  after.cpu = 4;
  EXPECT_EQ(initiator_state(before, after, kWindow), TrialState::kInitiatorMigrated);
}

/// The kernel's own books, not made-up ones: the first touch of a page is a fault.
TEST(Initiator, ThatFaultedIsSetApart) {
  void* page =
      mmap(nullptr, page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  cpu_set_t allowed;
  sched_getaffinity(0, sizeof allowed, &allowed);
  pin_to_cpu(allowed_cpus().front());
  const Presence before = presence_now();
  *static_cast<volatile char*>(page) = 1;
  const Presence after = presence_now();
  const TimeSpan for_ever{0, after.at_ns};  // so that a preemption just now is short
  EXPECT_EQ(initiator_state(before, after, for_ever), TrialState::kInitiatorFaulted);
  EXPECT_GT(after.at_ns, before.at_ns);
  EXPECT_GT(after.on_cpu_ns, before.on_cpu_ns);
  munmap(page, page_bytes());
  sched_setaffinity(0, sizeof allowed, &allowed);
}

}  // namespace
}  // namespace tlblab
