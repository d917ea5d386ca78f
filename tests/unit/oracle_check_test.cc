// SPDX-License-Identifier: GPL-2.0-only
// The whole check on files' pages: clean, violated, void and inconclusive runs, and how they read.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <nlohmann/json.hpp>

#include "include/tlblab/catalogue.hh"
#include "tests/unit/oracle_land.hh"
#include "user/commands/check_text.hh"
#include "user/oracle/check.hh"
#include "user/topology/placement.hh"

namespace tlblab::oracle {
namespace {

using testing::HasSubstr;
using testing::Not;

/// A land where faults do what their names say, and sound schemes are.
Deed as_labelled(const CellPlan& cell) {
  if (cell.defused) return Deed::kTruncate;
  switch (cell.fault) {
    case 0:
      return Deed::kTruncate;
    case TLBLAB_TRUST_NONE:
      return Deed::kLeave;
    case TLBLAB_RELEASE_FIRST:
      return Deed::kReleaseThenTruncate;
    default:
      return Deed::kRelease;
  }
}

class OracleCheck : public testing::Test {
 protected:
  void SetUp() override {
    sched_getaffinity(0, sizeof before_, &before_);
    const std::vector<int> cpus = allowed_cpus();
    if (cpus.size() < 2) GTEST_SKIP() << "one CPU: no witness";
    // Two initiators may share a CPU here: what they do is make-believe anyway.
    plan_.cpus = {cpus[0], cpus[0], cpus[1]};
    plan_.schemes = {LabComposition{}};
    plan_.effort.rounds = 3;
    setting_.cpus = {cpus[0], cpus[1]};
    setting_.effort = plan_.effort;
  }
  void TearDown() override { sched_setaffinity(0, sizeof before_, &before_); }

  CheckRecord check(const std::function<Deed(const CellPlan&)>& deed) const {
    return run_check(FileLand(deed), plan_, [](const CheckProgress&) {});
  }
  [[nodiscard]] std::string text(const CheckRecord& record) const {
    return check_text(record, setting_, 100);
  }

  cpu_set_t before_{};
  CheckPlan plan_;
  CheckSetting setting_;
};

TEST_F(OracleCheck, CatchesEveryFaultThatIsThere) {
  plan_.schemes.clear();
  const CheckRecord record = check(as_labelled);
  ASSERT_EQ(record.faults.size(), 10u) << "three faults under three loads, one under one";
  for (const CellRecord& cell : record.faults) {
    EXPECT_GT(cell.nr_caught(), 0u)
        << planted_fault(cell.plan.fault).name << ", " << name(cell.plan.load);
    EXPECT_GT(cell.first_catch, 0u);
    EXPECT_LE(cell.first_catch, cell.counts.rounds);
  }
  EXPECT_EQ(exit_status(record), ExitStatus::kOk);
  EXPECT_THAT(text(record), HasSubstr("clean: every planted fault was caught"));
}

TEST_F(OracleCheck, IsVoidWhenAFaultEscapes) {
  const CheckRecord record = check([](const CellPlan& cell) {
    return cell.fault == TLBLAB_NO_FLUSH ? Deed::kTruncate : as_labelled(cell);
  });
  EXPECT_TRUE(is_void(record));
  EXPECT_EQ(exit_status(record), ExitStatus::kVoid);
  EXPECT_TRUE(record.cells.empty()) << "nothing may be concluded, so nothing is played";
  EXPECT_EQ(record.faults.front().counts.rounds, 3u * kFaultPatience);
  EXPECT_THAT(text(record), HasSubstr("ESCAPED in 30 rounds"));
  EXPECT_THAT(text(record), HasSubstr("VOID: the oracle did not see what was planted; no-flush "
                                      "escaped under 1 initiator"));
}

TEST_F(OracleCheck, IsVoidWhenFaultsAreOnlyLabels) {
  plan_.defuse_faults = true;
  EXPECT_EQ(exit_status(check(as_labelled)), ExitStatus::kVoid);
}

TEST_F(OracleCheck, TellsOfAViolation) {
  const CheckRecord record = check(
      [](const CellPlan& cell) { return cell.fault == 0 ? Deed::kRelease : as_labelled(cell); });
  EXPECT_EQ(exit_status(record), ExitStatus::kViolation);
  ASSERT_EQ(record.cells.size(), 3u);
  EXPECT_EQ(judge(record.cells[0].counts).word, Word::kLeak);
  EXPECT_THAT(text(record), HasSubstr("LEAK in 3 of 3 rounds"));
  EXPECT_THAT(text(record), HasSubstr(fmt::format("CPU {}, page 0x", plan_.cpus.back())));
  EXPECT_THAT(text(record), HasSubstr("VIOLATION"));
}

TEST_F(OracleCheck, TwoCpusCanNotShowTwoInitiators) {
  plan_.cpus.erase(plan_.cpus.begin());
  const CheckRecord record = check(as_labelled);
  EXPECT_EQ(exit_status(record), ExitStatus::kInconclusive);
  EXPECT_EQ(judge(record.cells[0].counts).word, Word::kNoneSeen);
  EXPECT_EQ(judge(record.cells[1].counts).word, Word::kInconclusive);
  EXPECT_THAT(text(record), HasSubstr("not shown: 2 CPUs"));
  EXPECT_THAT(text(record), HasSubstr("inconclusive: where witnesses were there"));
}

TEST(OracleSchemes, AreEveryRowWithEveryExtent) {
  std::vector<std::string> names;
  for (const LabComposition& scheme : sound_schemes(false)) names.push_back(tlblab::name(scheme));
  std::vector<std::string> rows;
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    rows.push_back(std::string("unmap:") + gather.name);
    if (catalogue::has(gather.extents, TLBLAB_EXACT)) rows.push_back(rows.back() + ",exact");
  }
  EXPECT_EQ(names, rows);
  EXPECT_EQ(sound_schemes(true).size(), 2 * rows.size()) << "each with one DSB and with one each";
}

CellRecord played(std::uint32_t fault, Load load, std::uint64_t caught, std::uint64_t rounds) {
  CellRecord cell;
  cell.plan = {faulty_scheme(), load, fault, false};
  cell.sought = planted_fault(fault).shows;
  cell.counts.rounds = rounds;
  cell.counts.rounds_seen[static_cast<std::size_t>(*cell.sought)] = caught;
  cell.first_catch = caught > 0 ? 1 : 0;
  cell.first_catch_seconds = 0.25;
  return cell;
}

TEST(OracleYardstick, IsTheMostElusiveFaultOfThatLoad) {
  CheckRecord record;
  record.faults = {played(TLBLAB_NO_FLUSH, Load::kOneInitiator, 9, 9),
                   played(TLBLAB_RELEASE_FIRST, Load::kOneInitiator, 2, 8),
                   played(TLBLAB_TRUST_NONE, Load::kTwoSame, 1, 8)};
  const CellRecord* cell = hardest_fault(record, Load::kOneInitiator, Sight::kReleased);
  ASSERT_NE(cell, nullptr);
  EXPECT_EQ(cell->plan.fault, std::uint32_t{TLBLAB_RELEASE_FIRST});
  EXPECT_EQ(hardest_fault(record, Load::kTwoDisjoint, Sight::kReleased), nullptr);
  EXPECT_NE(hardest_fault(record, Load::kTwoSame, Sight::kAfterReturn), nullptr);
}

TEST(OracleText, ShowsNoTimeUnderEmulation) {
  CheckRecord record;
  record.faults = {played(TLBLAB_NO_FLUSH, Load::kOneInitiator, 9, 9)};
  CheckSetting setting;
  setting.cpus = {0, 1};
  EXPECT_THAT(check_text(record, setting, 100), HasSubstr("after 250"));
  setting.emulated = true;
  EXPECT_THAT(check_text(record, setting, 100), Not(HasSubstr("after 250")));
  const auto json = nlohmann::json::parse(check_json(record, setting));
  EXPECT_TRUE(json.at("faults").at(0).at("first_catch_s").is_null());
  EXPECT_EQ(json.at("faults").at(0).at("outcome"), "caught");
}

TEST(OracleText, AFindingNamesWhoWhereWhatAndWhen) {
  Finding finding;
  finding.cpu = 2;
  finding.round = 4;
  finding.address = 0x7f0000001000;
  finding.seen_ns = 10'000;
  finding.tag = {TLBLAB_RELEASED, 0x1a2b, 77, 7'000, 8'000, 0};
  EXPECT_EQ(finding_text(finding, false),
            "round 5, CPU 2, page 0x7f0000001000: released frame, frame 0x1a2b, generation 77; "
            "since cleared 3.00 µs, since released 2.00 µs; its call had not returned");
  finding.returned_ns = 9'000;
  EXPECT_THAT(finding_text(finding, false), HasSubstr("; since its call returned 1.00 µs"));
  EXPECT_THAT(finding_text(finding, true), Not(HasSubstr("µs")));
  EXPECT_THAT(finding_text(finding, true), HasSubstr("since cleared n/a (emulated)"));
  finding.tag = {};
  EXPECT_THAT(finding_text(finding, false), HasSubstr("gone before its tag was read"));
}

}  // namespace
}  // namespace tlblab::oracle
