// SPDX-License-Identifier: GPL-2.0-only
// Losses after the window, from made-up walks whose truth is known.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "user/analysis/probe.hh"

namespace tlblab {
namespace {

using records::ProbeTrial;

std::vector<ProbePoint> analyse_probe(const std::vector<ProbedSession>& sessions) {
  ProbeAnalysis analysis;
  for (const ProbedSession& session : sessions) analysis.add(session);
  return analysis.finish();
}

/// A walk alone takes 1000 ns. After A the initiator pays 300 more and each responder 70; after B
/// 30 and 5. Two responders.
std::uint64_t truth(Arm arm, bool operated, bool initiator) {
  const std::uint64_t after_a = initiator ? 300 : 70;
  const std::uint64_t after_b = initiator ? 30 : 5;
  return 1000 + (!operated ? 0 : arm == Arm::kA ? after_a : after_b);
}

/// `touch` may spoil a trial.
ProbedSession session(
    std::uint32_t nr_blocks, const std::function<void(ProbeTrial&)>& touch = [](ProbeTrial&) {}) {
  ProbedSession made;
  for (std::uint32_t block = 0; block < nr_blocks; ++block) {
    for (const Arm arm : {Arm::kA, Arm::kB}) {
      for (const bool operated : {true, false}) {
        for (int round = 0; round < 3; ++round) {
          ProbeTrial trial;
          trial.nr_pages = 64;
          trial.block = block;
          trial.arm = arm;
          trial.operated = operated;
          const std::uint64_t drift = block;  // of the machine: the same for all four kinds
          trial.initiator_ns = truth(arm, operated, true) + drift;
          trial.responders_ns.assign(2, truth(arm, operated, false) + drift);
          touch(trial);
          made.trials.push_back(trial);
        }
      }
    }
  }
  return made;
}

TEST(ProbeAnalysis, SubtractsTheEmptyOperation) {
  const auto points = analyse_probe({session(32)});
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].nr_pages, 64U);
  EXPECT_EQ(points[0].nr_blocks, 32U);
  EXPECT_DOUBLE_EQ(points[0].losses[0].initiator_ns.estimate, 300);
  EXPECT_DOUBLE_EQ(points[0].losses[0].responders_ns.estimate, 140) << "two of them";
  EXPECT_DOUBLE_EQ(points[0].losses[1].initiator_ns.estimate, 30);
  EXPECT_DOUBLE_EQ(points[0].losses[1].responders_ns.estimate, 10);
  EXPECT_NEAR(points[0].initiator_walk_ns, 1000, 32);
  EXPECT_NEAR(points[0].responders_walk_ns, 2000, 64);
}

/// Counted walks lie beside the timed ones, and are disturbed: their times must not enter.
TEST(ProbeAnalysis, CountedWalksGiveCountsAndNoTime) {
  ProbedSession made = session(32);
  for (const bool operated : {true, false}) {
    ProbeTrial trial;
    trial.nr_pages = 64;
    trial.block = 5;
    trial.operated = operated;
    trial.initiator_ns = 1'000'000;
    trial.responders_ns = {1'000'000, 1'000'000};
    const std::uint64_t walks = operated ? 60 : 4;
    trial.counts = {{{"walks", walks}}, {{"walks", 2 * walks}}, {{"walks", 0}}};
    for (int i = 0; i < 50; ++i) made.trials.push_back(trial);
    trial.state = TrialState::kStalled;
    trial.counts.front()["walks"] = 1'000;
    made.trials.push_back(trial);
  }
  const auto points = analyse_probe({made});
  ASSERT_EQ(points.size(), 1U);
  EXPECT_DOUBLE_EQ(points[0].losses[0].initiator_ns.estimate, 300);
  const auto& [empty, operated] = points[0].counts[0];
  EXPECT_EQ(empty.initiator.at("walks").mean, 4);
  EXPECT_EQ(operated.initiator.at("walks").mean, 60) << "a trial set apart is none";
  EXPECT_EQ(operated.spread.at("walks").most, 120);
  EXPECT_TRUE(points[0].counts[1][0].initiator.empty());
}

/// A walk that costs the same after an operation as after none shows no loss, however long it is:
/// whoever forgets to subtract reports 1000 here.
TEST(ProbeAnalysis, AWalkThatNothingDisturbedLosesNothing) {
  const auto points = analyse_probe({session(32, [](ProbeTrial& trial) {
    trial.initiator_ns = 1000;
    trial.responders_ns.assign(2, 1000);
  })});
  ASSERT_EQ(points.size(), 1U);
  for (const ProbeLoss& loss : points[0].losses) {
    EXPECT_DOUBLE_EQ(loss.initiator_ns.estimate, 0);
    EXPECT_DOUBLE_EQ(loss.responders_ns.estimate, 0);
  }
}

TEST(ProbeAnalysis, WithoutTheEmptyOperationNothingIsKnown) {
  ProbedSession spoilt = session(32);
  std::erase_if(spoilt.trials, [](const ProbeTrial& trial) { return !trial.operated; });
  EXPECT_TRUE(analyse_probe({spoilt}).empty());
  EXPECT_TRUE(analyse_probe({ProbedSession{}}).empty()) << "an early file";
}

TEST(ProbeAnalysis, OneWalkThatWasInterruptedDoesNotMoveABlock) {
  int n = 0;
  const auto points = analyse_probe({session(32, [&](ProbeTrial& trial) {
    if (n++ % 3 == 0) trial.responders_ns.assign(2, 5'000'000);
  })});
  EXPECT_DOUBLE_EQ(points.at(0).losses[0].responders_ns.estimate, 140);
}

TEST(ProbeAnalysis, TrialsSetApartAreNotUsed) {
  const auto points = analyse_probe({session(32, [](ProbeTrial& trial) {
    if (trial.block % 2 == 0) return;
    trial.state = TrialState::kInitiatorSwitched;
    trial.initiator_ns = 1'000'000'000;
  })});
  EXPECT_EQ(points.at(0).nr_blocks, 16U);
  EXPECT_DOUBLE_EQ(points.at(0).losses[0].initiator_ns.estimate, 300);
  EXPECT_TRUE(std::isinf(points.at(0).losses[0].initiator_ns.high)) << "too few for an interval";
}

TEST(ProbeAnalysis, SessionsGiveTheInterval) {
  const auto longer = [](ProbeTrial& trial) {
    if (trial.operated) trial.initiator_ns += 20;
  };
  const auto points = analyse_probe({session(32), session(32, longer)});
  const Interval& loss = points.at(0).losses[0].initiator_ns;
  EXPECT_DOUBLE_EQ(loss.estimate, 310);
  EXPECT_LT(loss.low, 300) << "wider than what one session alone would say: nothing varied there";
  EXPECT_EQ(points.at(0).nr_blocks, 64U);
}

/// Bystanders alone lose: 90 after A, 8 after B, of two that take 500 each.
void walk_bystanders(ProbeTrial& trial) {
  trial.initiator_ns = 1000;
  trial.responders_ns.assign(2, 1000);
  const std::uint64_t loss = !trial.operated ? 0 : trial.arm == Arm::kA ? 90 : 8;
  trial.bystanders_ns.assign(2, 500 + loss);
}

TEST(ProbeAnalysis, WhatBystandersLoseIsTheirsAlone) {
  const auto points = analyse_probe({session(32, walk_bystanders)});
  ASSERT_EQ(points.size(), 1U);
  EXPECT_DOUBLE_EQ(points[0].losses[0].bystanders_ns.value().estimate, 180);
  EXPECT_DOUBLE_EQ(points[0].losses[1].bystanders_ns.value().estimate, 16);
  EXPECT_DOUBLE_EQ(points[0].bystanders_walk_ns.value(), 1000);
  for (const ProbeLoss& loss : points[0].losses) {
    EXPECT_DOUBLE_EQ(loss.initiator_ns.estimate, 0);
    EXPECT_DOUBLE_EQ(loss.responders_ns.estimate, 0);
  }
}

TEST(ProbeAnalysis, BystandersThatDidNotWalkAreUnknown) {
  const auto points = analyse_probe({session(32)});
  EXPECT_FALSE(points.at(0).losses[0].bystanders_ns);
  EXPECT_FALSE(points.at(0).bystanders_walk_ns);
}

/// A session of an earlier release, then one of this: they walked in the second only.
TEST(ProbeAnalysis, OnlySessionsInWhichBystandersWalkedSpeakOfThem) {
  const auto points = analyse_probe({session(32), session(32, walk_bystanders)});
  EXPECT_DOUBLE_EQ(points.at(0).losses[0].bystanders_ns.value().estimate, 180);
  EXPECT_DOUBLE_EQ(points.at(0).losses[0].initiator_ns.estimate, 150) << "both speak of this one";
}

}  // namespace
}  // namespace tlblab
