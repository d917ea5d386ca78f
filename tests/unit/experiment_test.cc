// SPDX-License-Identifier: GPL-2.0-only
// Plans: how a study file expands, and in which order its steps are taken.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "user/experiment/cell_job.hh"
#include "user/experiment/study_file.hh"
#include "user/experiment/study_run.hh"
#include "user/model/steps.hh"
#include "user/records/plan.hh"
#include "user/support/error.hh"

namespace tlblab {
namespace {

class StudyFile : public testing::Test {
 protected:
  StudyFile() {
    std::string name = std::filesystem::temp_directory_path() / "tlblab-unit-XXXXXX";
    close(mkstemp(name.data()));
    path_ = name;
  }
  ~StudyFile() override { std::filesystem::remove(path_); }

  ExpandedStudy load(const std::string& cells, const std::vector<int>& cpus,
                     const StudyOverrides& overrides = {}) {
    std::ofstream(path_) << "name = 'x'\nquestion = 'y?'\n"
                            "compare = ['munmap:per-vma', 'munmap:merged']\n"
                         << cells;
    return load_study(path_, cpus, overrides);
  }

  static std::vector<unsigned> responders(const ExpandedStudy& study) {
    std::vector<unsigned> counts;
    for (const CellPlan& cell : study.plan.cells) counts.push_back(cell.nr_responders);
    return counts;
  }

  std::string path_;
};

std::vector<int> cpus(int count) {
  std::vector<int> list(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) list[static_cast<std::size_t>(i)] = i;
  return list;
}

TEST_F(StudyFile, ExpandsAGridWithoutRepeats) {
  const auto study = load(
      "[[cells]]\nvmas = [1, 2]\npages = [1, 4]\nresponders = 0\n"
      "[[cells]]\nvmas = [2, 8]\npages = 4\nresponders = 0\n",
      cpus(1));
  EXPECT_EQ(study.plan.cells.size(), 5U);
  std::set<std::string> ids;
  for (const CellPlan& cell : study.plan.cells) ids.insert(cell.id);
  EXPECT_EQ(ids.size(), 5U);
}

TEST_F(StudyFile, SweepDoublesUpToAll) {
  const char* cell = "[[cells]]\nvmas = 1\npages = 1\nresponders = 'sweep'\n";
  EXPECT_EQ(responders(load(cell, cpus(1))), (std::vector<unsigned>{0}));
  EXPECT_EQ(responders(load(cell, cpus(2))), (std::vector<unsigned>{0, 1}));
  EXPECT_EQ(responders(load(cell, cpus(7))), (std::vector<unsigned>{0, 1, 2, 4, 6}));
}

TEST_F(StudyFile, TooManyRespondersAreLeftOutWithANotice) {
  const auto study = load("[[cells]]\nvmas = 1\npages = 1\nresponders = [0, 3]\n", cpus(2));
  EXPECT_EQ(responders(study), (std::vector<unsigned>{0}));
  ASSERT_EQ(study.notices.size(), 1U);
  EXPECT_NE(study.notices[0].find("3 responders"), std::string::npos);
}

TEST_F(StudyFile, EqualSchemesAreAControl) {
  const auto study = load(
      "[[cells]]\ncompare = ['munmap:merged', 'munmap:merged']\nvmas = 1\npages = 1\n"
      "responders = 0\n",
      cpus(1));
  EXPECT_EQ(study.plan.cells.at(0).role, CellRole::kSame);
}

TEST_F(StudyFile, TheCommandLineOverrides) {
  StudyOverrides overrides;
  overrides.seed = 77;
  overrides.nr_sessions = 3;
  overrides.min_seconds = 9;
  overrides.max_seconds = 2;
  const auto study = load("[[cells]]\nvmas = 1\npages = 1\nresponders = 0\n", cpus(1), overrides);
  EXPECT_EQ(study.plan.seed, 77U);
  EXPECT_EQ(study.plan.nr_sessions, 3U);
  EXPECT_EQ(study.plan.cells[0].stopping.min_seconds, 9);
  EXPECT_EQ(study.plan.cells[0].stopping.max_seconds, 9) << "never below the least time";
}

/// The studies that we ship must expand, from one CPU to many.
TEST(ShippedStudies, Expand) {
  ASSERT_FALSE(known_studies().empty());
  for (const std::string& path : known_studies()) {
    for (const int count : {1, 2, 3, 64}) {
      StudyOverrides look;
      look.keep_unavailable = true;  // the lab's, on a machine without the module
      const ExpandedStudy study = load_study(path, cpus(count), look);
      EXPECT_TRUE(std::any_of(study.plan.cells.begin(), study.plan.cells.end(),
                              [](const CellPlan& cell) { return cell.headline; }))
          << path;
    }
  }
}

TEST(Plan, SurvivesJson) {
  const StudyPlan plan = plan_pair("munmap:per-vma", "munmap:merged", {3, 2, 1}, 1, {0, 1}, {});
  const nlohmann::json json = plan;
  EXPECT_EQ(nlohmann::json(json.get<StudyPlan>()), json);
  EXPECT_EQ(plan.cells.size(), 3U) << "the pair and the A/A controls of both";
}

// Eight sessions of 3 cells of 10 s: their starts must span twenty minutes though a cell comes last
// in the first and first in the last.
TEST(Plan, EightSessionsAreAsFarApartAsAClaimNeeds) {
  StudyOverrides overrides;
  const auto gap = [&](unsigned nr_sessions) {
    overrides.nr_sessions = nr_sessions;
    return plan_pair("munmap:per-vma", "munmap:merged", {3, 2, 1}, 1, {0, 1}, overrides)
        .session_gap_s;
  };
  EXPECT_EQ(gap(7), 0) << "seven can claim nothing";
  EXPECT_DOUBLE_EQ(gap(8), (1200 + 30) / 7.0);
  EXPECT_DOUBLE_EQ(gap(100), 60 + 30);
  overrides.session_gap_s = 0;
  EXPECT_EQ(gap(8), 0) << "as the user wants it";
}

TEST(CellJob, SurvivesThePipe) {
  CellJob job;
  job.results_path = "a \"quoted\" caf\xe9";
  job.seed = ~std::uint64_t{0};
  job.cpus = {3, 1};
  job.prior_medians = {{1.5, 2.25}};
  job.first_block = 7;
  const CellJob back = job_from_text(job_to_text(job));
  EXPECT_EQ(job_to_text(back), job_to_text(job));
  EXPECT_EQ(back.seed, job.seed);
}

TEST(Steps, TakeEverySessionWholeAndShuffled) {
  StudyPlan plan;
  plan.nr_sessions = 3;
  plan.cells.resize(20);
  const std::vector<StudyStep> steps = steps_of(plan);
  ASSERT_EQ(steps.size(), 60U);
  std::vector<std::vector<std::uint32_t>> orders;
  for (unsigned session = 1; session <= 3; ++session) {
    std::vector<std::uint32_t> order;
    for (std::size_t i = 20 * (session - 1); i < 20 * session; ++i) {
      EXPECT_EQ(steps[i].session, session);
      order.push_back(steps[i].cell_index);
    }
    orders.push_back(order);
    std::sort(order.begin(), order.end());
    for (std::uint32_t i = 0; i < 20; ++i) EXPECT_EQ(order[i], i);
  }
  EXPECT_NE(orders[0], orders[1]);
  EXPECT_EQ(steps_of(plan)[5].cell_index, steps[5].cell_index) << "same seed, same order";
}

TEST(Steps, SpreadTheHeadlinesOwnSessionsOverTheWhole) {
  StudyPlan plan;
  plan.cells.resize(32);
  plan.cells[5].min_sessions = 8;
  const std::vector<StudyStep> steps = steps_of(plan);
  ASSERT_EQ(steps.size(), 32U + 7U);
  std::vector<std::size_t> places;
  std::set<unsigned> sessions;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].cell_index != 5) continue;
    sessions.insert(steps[i].session);
    if (steps[i].session > 1) places.push_back(i);
  }
  EXPECT_EQ(sessions, (std::set<unsigned>{1, 2, 3, 4, 5, 6, 7, 8}));
  for (std::size_t i = 1; i < places.size(); ++i) EXPECT_GE(places[i] - places[i - 1], 4U);
  plan.nr_sessions = 8;
  EXPECT_EQ(steps_of(plan).size(), 8U * 32U) << "the study's own sessions suffice";
}

}  // namespace
}  // namespace tlblab
