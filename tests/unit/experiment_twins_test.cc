// SPDX-License-Identifier: GPL-2.0-only
// Plans with schemes of the lab: which get a twin, and which are only counted. No module is needed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "user/experiment/study_file.hh"
#include "user/experiment/twins.hh"
#include "user/records/plan.hh"
#include "user/support/error.hh"

namespace tlblab {
namespace {

using testing::HasSubstr;

StudyPlan plan_of(const std::vector<std::pair<std::string, std::string>>& pairs) {
  StudyPlan plan;
  for (const auto& [a, b] : pairs) {
    CellPlan cell;
    cell.a = a;
    cell.b = b;
    cell.nr_responders = 1;
    cell.role = a == b ? CellRole::kSame : CellRole::kCompare;
    cell.id = cell_id(a, b, cell.shape, 1);
    plan.cells.push_back(cell);
  }
  return plan;
}

TEST(Twins, ALabCellGetsTheStockKernelsOnce) {
  StudyPlan plan = plan_of({{"lab/unmap:per-vma", "lab/unmap:merged"}});
  plan.cells[0].headline = true;
  plan.cells[0].min_sessions = 8;
  add_twins(plan);
  ASSERT_EQ(plan.cells.size(), 2U);
  const CellPlan& lab = plan.cells[0];
  const CellPlan& twin = plan.cells[1];
  EXPECT_TRUE(lab.needs_twin);
  EXPECT_TRUE(lab.timed);
  EXPECT_EQ(lab.twin, twin.id);
  EXPECT_EQ(twin.a, "syscall/munmap:per-vma");
  EXPECT_EQ(twin.b, "syscall/munmap:merged");
  EXPECT_EQ(twin.shape, lab.shape);
  EXPECT_EQ(twin.nr_responders, 1U);
  EXPECT_EQ(twin.min_sessions, 8U) << "as many sessions, or there is nothing to compare";
  EXPECT_FALSE(twin.headline);
  EXPECT_FALSE(twin.needs_twin);
}

TEST(Twins, ACellThatIsThereAlreadyServes) {
  StudyPlan plan = plan_of({{"lab/unmap:per-vma", "lab/unmap:merged"},
                            {"syscall/munmap:per-vma", "syscall/munmap:merged"}});
  plan.cells[1].timed = false;
  add_twins(plan);
  ASSERT_EQ(plan.cells.size(), 2U);
  EXPECT_EQ(plan.cells[0].twin, plan.cells[1].id);
  EXPECT_TRUE(plan.cells[1].timed) << "its times are needed now";
}

TEST(Twins, WhoHasNoneIsCountedOnly) {
  StudyPlan plan = plan_of({{"lab/unmap:per-vma", "lab/unmap:merged,exact"},
                            {"lab/unmap:full-mm", "lab/unmap:full-mm"}});
  add_twins(plan);
  ASSERT_EQ(plan.cells.size(), 2U);
  for (const CellPlan& cell : plan.cells) {
    EXPECT_TRUE(cell.needs_twin);
    EXPECT_FALSE(cell.timed);
    EXPECT_EQ(cell.twin, "");
  }
}

TEST(Twins, StockCellsNeedNone) {
  StudyPlan plan = plan_of({{"syscall/munmap:per-vma", "syscall/munmap:merged"}});
  add_twins(plan);
  EXPECT_EQ(plan.cells.size(), 1U);
  EXPECT_FALSE(plan.cells[0].needs_twin);
}

TEST(Twins, TheLabAgainstTheStockKernelIsJudgedByTheStockKernelAgainstItself) {
  StudyPlan plan = plan_of({{"lab/unmap:merged", "syscall/munmap:merged"}});
  add_twins(plan);
  ASSERT_EQ(plan.cells.size(), 2U);
  EXPECT_EQ(plan.cells[1].role, CellRole::kSame);
}

/// Otherwise an unfinished run of an older version could not be continued.
TEST(Twins, PlansOfTheFirstVersionStayEqualInJson) {
  const nlohmann::json json = plan_of({{"syscall/munmap:per-vma", "syscall/munmap:merged"}});
  for (const char* key : {"timed", "needs_twin", "twin"}) {
    EXPECT_FALSE(json.at("cells").at(0).contains(key)) << key;
  }
  StudyPlan plan = plan_of(
      {{"lab/unmap:per-vma", "lab/unmap:merged"}, {"lab/unmap:full-mm", "lab/unmap:per-page"}});
  add_twins(plan);
  const nlohmann::json with_lab = plan;
  EXPECT_EQ(nlohmann::json(with_lab.get<StudyPlan>()), with_lab);
}

class PassesOfAStudy : public testing::Test {
 protected:
  PassesOfAStudy() {
    std::string name = std::filesystem::temp_directory_path() / "tlblab-unit-XXXXXX";
    close(mkstemp(name.data()));
    path_ = name;
  }
  ~PassesOfAStudy() override { std::filesystem::remove(path_); }

  StudyPlan load(const std::string& of_study, const std::string& of_cells) {
    std::ofstream(path_) << "name = 'x'\nquestion = 'y?'\n"
                            "compare = ['munmap:per-vma', 'munmap:merged']\n"
                         << of_study << "[[cells]]\nvmas = 2\npages = 1\nresponders = 0\n"
                         << of_cells;
    return load_study(path_, {0}, {}).plan;
  }

  std::string path_;
};

TEST_F(PassesOfAStudy, MayBeCountsOnly) {
  EXPECT_TRUE(load("", "").cells.at(0).timed);
  EXPECT_FALSE(load("passes = ['counts']\n", "").cells.at(0).timed);
  EXPECT_FALSE(load("", "passes = 'counts'\n").cells.at(0).timed);
  EXPECT_TRUE(load("passes = ['counts']\n", "passes = ['time', 'counts']\n").cells.at(0).timed)
      << "a group's own word goes before the study's";
}

TEST_F(PassesOfAStudy, MayBeNothingElse) {
  for (const char* wrong :
       {"passes = ['time']\n", "passes = []\n", "passes = 3\n", "passes = ['counts', 'naps']\n"}) {
    EXPECT_THROW(load(wrong, ""), Error) << wrong;
  }
}

/// `--dry-run` shows what a study would measure elsewhere, and says that it can't here.
TEST(LabStudies, ExpandWithoutTheModuleWhenOnlyLookedAt) {
  StudyOverrides look;
  look.keep_unavailable = true;
  for (const char* study : {"lab", "lab-counts"}) {
    const ExpandedStudy expanded = load_study(find_study(study), {0, 1, 2, 3}, look);
    EXPECT_TRUE(std::any_of(expanded.plan.cells.begin(), expanded.plan.cells.end(),
                            [](const CellPlan& cell) { return cell.headline; }));
    EXPECT_TRUE(std::all_of(expanded.plan.cells.begin(), expanded.plan.cells.end(),
                            [](const CellPlan& cell) {
                              return !cell.needs_twin || !cell.timed || !cell.twin.empty();
                            }));
  }
}

TEST(LabStudies, SayWhyTheyCannotRunWithoutTheModule) {
  try {
    load_study(find_study("lab-counts"), {0, 1}, {});
    GTEST_SKIP() << "the module is loaded";
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), ExitStatus::kMachine);
    EXPECT_THAT(error.advice(), HasSubstr("tlblab"));
  }
}

}  // namespace
}  // namespace tlblab
