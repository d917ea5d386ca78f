// SPDX-License-Identifier: GPL-2.0-only
// Witnesses on a file's pages: they see what is there to see, and say when they were not there.
#include <gtest/gtest.h>
#include <sched.h>

#include "tests/unit/oracle_file_target.hh"
#include "user/oracle/round_runner.hh"
#include "user/oracle/witness.hh"
#include "user/support/error.hh"
#include "user/topology/placement.hh"

namespace tlblab::oracle {
namespace {

class OracleWitness : public testing::Test {
 protected:
  void SetUp() override {
    sched_getaffinity(0, sizeof before_, &before_);
    cpus_ = allowed_cpus();
    if (cpus_.size() < 2) GTEST_SKIP() << "one CPU: no witness";
    pin_to_cpu(cpus_[0]);
  }
  void TearDown() override { sched_setaffinity(0, sizeof before_, &before_); }

  static std::vector<WitnessedPage> pages_of(const Target& target) {
    return witnessed_pages(target.ranges(), Load::kOneInitiator, page_bytes());
  }

  /// Rounds until the witness was there for one, or a thousand: the machine may take its CPU away.
  WitnessReport round(Behaviour behaviour) {
    FileTarget target(3, behaviour);
    WitnessCrew crew({cpus_[1]}, pages_of(target), false);
    WitnessReport report;
    for (unsigned i = 0; i < 1000 && !report.ran; ++i) {
      target.populate();
      crew.load(i);
      crew.call_begins(0);
      EXPECT_EQ(target.perform(0), 0);
      crew.call_returned(0);
      report = crew.close().at(0);
    }
    bad_reads_ = crew.bad_reads();
    EXPECT_TRUE(report.loaded);
    EXPECT_TRUE(report.ran);
    EXPECT_EQ(report.cpu, cpus_[1]);
    return report;
  }

  static std::uint64_t reads(const WitnessReport& report, Observation observation) {
    return report.reads[static_cast<std::size_t>(observation)];
  }

  cpu_set_t before_{};
  std::vector<int> cpus_;
  std::vector<BadRead> bad_reads_;
};

TEST_F(OracleWitness, SeesNothingWhenPagesGoAway) {
  const WitnessReport report = round(Behaviour::kTruncate);
  EXPECT_GE(report.eligible_reads, 3u) << "at least the one that fails, for each page";
  for (const std::uint64_t seen : report.reads) EXPECT_EQ(seen, 0u);
  EXPECT_TRUE(bad_reads_.empty());
}

TEST_F(OracleWitness, SeesAReleasedFrame) {
  const WitnessReport report = round(Behaviour::kRelease);
  EXPECT_GT(reads(report, Observation::kReleased), 0u);
  EXPECT_LE(reads(report, Observation::kReleased), report.eligible_reads);
  ASSERT_FALSE(bad_reads_.empty());
  EXPECT_LE(bad_reads_.size(), kKeptBadReads);
  const BadRead& first = bad_reads_.front();
  EXPECT_EQ(first.observation, Observation::kReleased);
  EXPECT_EQ(first.cpu, cpus_[1]);
  EXPECT_GE(first.frame, 100u);
  EXPECT_GT(first.generation, 0u);
  EXPECT_GE(first.seen_ns, first.released_ns);
  EXPECT_GE(first.released_ns, first.cleared_ns);
}

TEST_F(OracleWitness, SeesForeignData) {
  EXPECT_GT(reads(round(Behaviour::kScribble), Observation::kForeign), 0u);
}

TEST_F(OracleWitness, SeesALivePageAfterTheCallReturned) {
  const WitnessReport report = round(Behaviour::kLeave);
  EXPECT_GE(reads(report, Observation::kAfterReturn), 3u) << "the last turn reads each page";
  EXPECT_EQ(reads(report, Observation::kReleased), 0u);
  ASSERT_FALSE(bad_reads_.empty());
  EXPECT_GT(bad_reads_.front().returned_ns, 0u);
  EXPECT_GE(bad_reads_.front().seen_ns, bad_reads_.front().returned_ns);
}

/// Reads before the call began could have seen nothing wrong.
TEST_F(OracleWitness, CountsNoReadBeforeTheCall) {
  FileTarget target(3, Behaviour::kLeave);
  WitnessCrew crew({cpus_[1]}, pages_of(target), false);
  target.populate();
  crew.load(0);
  const WitnessReport report = crew.close().at(0);
  EXPECT_TRUE(report.loaded);
  EXPECT_FALSE(report.ran);
  EXPECT_EQ(report.eligible_reads, 0u);
}

TEST_F(OracleWitness, ReadsOfPagesThatItNeverLoadedAreNotEligible) {
  FileTarget target(3, Behaviour::kLeave);
  WitnessCrew crew({cpus_[1]}, pages_of(target), false);
  crew.load(0);  // not populated: zero bytes are nobody's tag
  crew.call_begins(0);
  EXPECT_EQ(target.perform(0), 0);
  crew.call_returned(0);
  const WitnessReport report = crew.close().at(0);
  EXPECT_FALSE(report.loaded);
  EXPECT_EQ(report.eligible_reads, 0u);
  EXPECT_GT(reads(report, Observation::kForeign), 0u);
}

/// A call of a few nanoseconds leaves no time to read.
TEST_F(OracleWitness, ThatDidNotReadDuringTheCallSaysSo) {
  FileTarget target(3, Behaviour::kLeave);
  WitnessCrew crew({cpus_[1]}, pages_of(target), false);
  bool ran = true;
  for (unsigned i = 0; i < 1000 && ran; ++i) {
    target.populate();
    crew.load(i);
    crew.call_begins(0);
    crew.call_returned(0);
    ran = crew.close().at(0).ran;
  }
  EXPECT_FALSE(ran);
}

TEST_F(OracleWitness, ThatWritesMarksTheGuard) {
  FileTarget target(1, Behaviour::kLeave);
  WitnessCrew crew({cpus_[1]}, pages_of(target), true);
  target.populate();
  const auto* tag = reinterpret_cast<const tlblab_tag*>(target.ranges()[0].begin);
  EXPECT_EQ(tag->guard, 0u);
  crew.load(0);
  crew.close();
  EXPECT_NE(tag->guard, 0u);
}

TEST_F(OracleWitness, ACpuThatCannotBeHadIsAnError) {
  EXPECT_THROW(WitnessCrew({cpus_[1], 100000}, {}, false), Error);
}

TEST(OracleLoad, PartsWhatInitiatorsCover) {
  const std::size_t page = page_bytes();
  const std::vector<AddressRange> vmas = {{8 * page, 10 * page}, {11 * page, 13 * page}};
  const auto covers = [&](const std::vector<AddressRange>& ranges, Load load) {
    std::vector<std::uint32_t> masks;
    for (const WitnessedPage& at : witnessed_pages(ranges, load, page)) {
      masks.push_back(at.covered_by);
    }
    return masks;
  };
  using Masks = std::vector<std::uint32_t>;
  EXPECT_EQ(covers(vmas, Load::kOneInitiator), (Masks{1, 1, 1, 1}));
  EXPECT_EQ(covers(vmas, Load::kTwoDisjoint), (Masks{1, 1, 2, 2}));
  EXPECT_EQ(covers(vmas, Load::kTwoSame), (Masks{3, 3, 3, 3}));
  EXPECT_EQ(covers({{8 * page, 11 * page}}, Load::kTwoSame), (Masks{3, 3, 3}));
  EXPECT_EQ(covers({{8 * page, 9 * page}}, Load::kTwoSame), (Masks{3}));
  EXPECT_EQ(covers({{8 * page, 11 * page}}, Load::kTwoDisjoint), (Masks{1, 2, 1}));
  EXPECT_TRUE(share_of({{8 * page, 9 * page}}, Load::kTwoDisjoint, 1, page).empty());
}

TEST(OracleCast, LeavesAWitnessOrNothing) {
  EXPECT_FALSE(roles_for({0}, Load::kOneInitiator));
  EXPECT_FALSE(roles_for({0, 1}, Load::kTwoSame));
  const auto one = roles_for({3, 1, 2}, Load::kOneInitiator);
  EXPECT_EQ(one->initiators, std::vector<int>{3});
  EXPECT_EQ(one->witnesses, (std::vector<int>{1, 2}));
  EXPECT_EQ(roles_for({3, 1, 2}, Load::kTwoDisjoint)->witnesses, std::vector<int>{2});
}

}  // namespace
}  // namespace tlblab::oracle
