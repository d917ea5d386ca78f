// SPDX-License-Identifier: GPL-2.0-only
// The whole check on files' pages: clean, violated, void and inconclusive runs, and how they read.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <nlohmann/json.hpp>

#include "include/tlblab/catalogue.hh"
#include "tests/unit/oracle_file_target.hh"
#include "user/analysis/check_analysis.hh"
#include "user/commands/check_text.hh"
#include "user/oracle/check.hh"
#include "user/oracle/planted_faults.hh"
#include "user/report/document/check_words.hh"
#include "user/topology/placement.hh"

namespace tlblab::oracle {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Faults do what their names say, and sound schemes are sound.
Behaviour as_labelled(const CheckCell& cell) {
  if (cell.defused) return Behaviour::kTruncate;
  switch (cell.fault) {
    case 0:
      return Behaviour::kTruncate;
    case TLBLAB_TRUST_NONE:
      return Behaviour::kLeave;
    case TLBLAB_RELEASE_FIRST:
      return Behaviour::kReleaseThenTruncate;
    default:
      return Behaviour::kRelease;
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
  }
  void TearDown() override { sched_setaffinity(0, sizeof before_, &before_); }

  /// As a file of it would be read.
  [[nodiscard]] CheckResult check(
      const std::function<Behaviour(const CheckCell&)>& behaviour) const {
    records::CheckFile file;
    file.header.setting = {Shape{},
                           plan_.cpus,
                           0,
                           plan_.effort.rounds,
                           false,
                           tlblab::name(faulty_scheme()),
                           cells_of(plan_).size()};
    run_check(
        FileTargets(behaviour), plan_, [](const CheckProgress&) {},
        [&](const CheckedCell& cell) { file.cells.push_back(cell); });
    return analyse_check(file);
  }
  [[nodiscard]] static std::string text(const CheckResult& check) { return check_text(check, 100); }

  cpu_set_t before_{};
  CheckPlan plan_;
};

TEST_F(OracleCheck, CatchesEveryFaultThatIsThere) {
  plan_.schemes.clear();
  const CheckResult record = check(as_labelled);
  ASSERT_EQ(record.faults.size(), 10u) << "three faults under three loads, one under one";
  for (const CheckedCell& cell : record.faults) {
    EXPECT_GT(cell.nr_caught(), 0u) << cell.fault << ", " << name(cell.load);
    EXPECT_GT(cell.first_catch, 0u);
    EXPECT_LE(cell.first_catch, cell.counts.rounds);
  }
  EXPECT_EQ(exit_status(record), ExitStatus::kOk);
  EXPECT_THAT(text(record), HasSubstr("clean: every planted fault was caught"));
}

TEST_F(OracleCheck, IsVoidWhenAFaultEscapes) {
  const CheckResult record = check([](const CheckCell& cell) {
    return cell.fault == TLBLAB_NO_FLUSH ? Behaviour::kTruncate : as_labelled(cell);
  });
  EXPECT_TRUE(is_void(record));
  EXPECT_EQ(exit_status(record), ExitStatus::kVoid);
  EXPECT_TRUE(record.cells.empty()) << "nothing may be concluded, so no more is checked";
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
  const CheckResult record = check([](const CheckCell& cell) {
    return cell.fault == 0 ? Behaviour::kRelease : as_labelled(cell);
  });
  EXPECT_EQ(exit_status(record), ExitStatus::kViolation);
  ASSERT_EQ(record.cells.size(), 3u);
  EXPECT_EQ(judge(record.cells[0].counts).outcome, Outcome::kLeak);
  EXPECT_THAT(text(record), HasSubstr("LEAK in 3 of 3 rounds"));
  EXPECT_THAT(text(record), HasSubstr(fmt::format("CPU {}, page 0x", plan_.cpus.back())));
  EXPECT_THAT(text(record), HasSubstr("VIOLATION"));
}

TEST_F(OracleCheck, TwoCpusCanNotShowTwoInitiators) {
  plan_.cpus.erase(plan_.cpus.begin());
  const CheckResult record = check(as_labelled);
  EXPECT_EQ(exit_status(record), ExitStatus::kInconclusive);
  EXPECT_EQ(judge(record.cells[0].counts).outcome, Outcome::kNoneSeen);
  EXPECT_EQ(judge(record.cells[1].counts).outcome, Outcome::kInconclusive);
  EXPECT_THAT(text(record), HasSubstr("not shown: 2 CPUs"));
  EXPECT_THAT(text(record), HasSubstr("inconclusive: where witnesses were there"));
}

TEST(OracleSchemes, AreEveryRowWithEveryExtent) {
  std::vector<std::string> names;
  for (const LabComposition& scheme : sound_schemes(catalogue::mask_of(TLBLAB_KERNEL_SHOOTDOWN))) {
    names.push_back(tlblab::name(scheme));
  }
  std::vector<std::string> rows;
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    rows.push_back(std::string("unmap:") + gather.name);
    if (catalogue::has(gather.extents, TLBLAB_EXACT)) rows.push_back(rows.back() + ",exact");
  }
  EXPECT_EQ(names, rows);
  EXPECT_EQ(sound_schemes(catalogue::mask_of(TLBLAB_TLBI_DSB_ONCE)).size(), rows.size());
  EXPECT_EQ(sound_schemes(catalogue::mask_of_all(catalogue::kMechanisms)).size(), 2 * rows.size())
      << "each with one DSB and with one each";
}

CheckedCell checked(std::uint32_t fault, Load load, std::uint64_t caught, std::uint64_t rounds) {
  CheckedCell cell;
  cell.scheme = tlblab::name(faulty_scheme());
  cell.load = load;
  cell.fault = planted_fault(fault).name;
  cell.sought = planted_fault(fault).shows;
  cell.counts.rounds = rounds;
  cell.counts.rounds_seen[static_cast<std::size_t>(*cell.sought)] = caught;
  cell.first_catch = caught > 0 ? 1 : 0;
  cell.first_catch_seconds = 0.25;
  return cell;
}

TEST(OracleYardstick, IsTheMostElusiveFaultOfThatLoad) {
  CheckResult record;
  record.faults = {checked(TLBLAB_NO_FLUSH, Load::kOneInitiator, 9, 9),
                   checked(TLBLAB_RELEASE_FIRST, Load::kOneInitiator, 2, 8),
                   checked(TLBLAB_TRUST_NONE, Load::kTwoSame, 1, 8)};
  const CheckedCell* cell = hardest_fault(record, Load::kOneInitiator, Observation::kReleased);
  ASSERT_NE(cell, nullptr);
  EXPECT_EQ(cell->fault, "release-first");
  EXPECT_EQ(hardest_fault(record, Load::kTwoDisjoint, Observation::kReleased), nullptr);
  EXPECT_NE(hardest_fault(record, Load::kTwoSame, Observation::kAfterReturn), nullptr);
}

TEST(OracleText, ShowsNoTimeUnderEmulation) {
  CheckResult record;
  record.faults = {checked(TLBLAB_NO_FLUSH, Load::kOneInitiator, 9, 9)};
  record.setting.cpus = {0, 1};
  EXPECT_THAT(check_text(record, 100), HasSubstr("after 250"));
  record.emulated = true;
  EXPECT_THAT(check_text(record, 100), Not(HasSubstr("after 250")));
  const auto json = check_json(record);
  EXPECT_TRUE(json.at("faults").at(0).at("first_catch_s").is_null());
  EXPECT_EQ(json.at("faults").at(0).at("outcome"), "caught");
}

TEST(OracleText, ABadReadNamesWhoWhereWhatAndWhen) {
  BadRead bad_read;
  bad_read.cpu = 2;
  bad_read.round = 4;
  bad_read.address = 0x7f0000001000;
  bad_read.seen_ns = 10'000;
  bad_read.frame = 0x1a2b;
  bad_read.generation = 77;
  bad_read.cleared_ns = 7'000;
  bad_read.released_ns = 8'000;
  EXPECT_EQ(report::bad_read_text(bad_read, false),
            "round 5, CPU 2, page 0x7f0000001000: released frame, frame 0x1a2b, generation 77; "
            "since cleared 3.00 µs, since released 2.00 µs; its call had not returned");
  bad_read.returned_ns = 9'000;
  EXPECT_THAT(report::bad_read_text(bad_read, false),
              HasSubstr("; since its call returned 1.00 µs"));
  EXPECT_THAT(report::bad_read_text(bad_read, true), Not(HasSubstr("µs")));
  EXPECT_THAT(report::bad_read_text(bad_read, true), HasSubstr("since cleared n/a (emulated)"));
  bad_read.generation = 0;
  EXPECT_THAT(report::bad_read_text(bad_read, false), HasSubstr("gone before its tag was read"));
}

}  // namespace
}  // namespace tlblab::oracle
