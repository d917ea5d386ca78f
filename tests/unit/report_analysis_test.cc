// SPDX-License-Identifier: GPL-2.0-only
// Analysis of made-up trials whose truth is known. Every verdict and every control is provoked.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "user/analysis/analysis.hh"
#include "user/experiment/header.hh"
#include "user/experiment/study_file.hh"
#include "user/records/trial.hh"
#include "user/records/writer.hh"
#include "user/report/document/account.hh"
#include "user/report/document/answer.hh"
#include "user/statistics/blocks.hh"

namespace tlblab::report {
namespace {

using nlohmann::json;
using statistics::Verdict;

/// What one made-up cell shall look like: latency in ns and state of each trial.
struct Recipe {
  std::function<double(Arm, unsigned session, unsigned block)> latency_ns;
  std::function<TrialState(unsigned block)> state = [](unsigned) { return TrialState::kOk; };
  unsigned nr_blocks = 64;
};

/// Writes a result file trial by trial, through the real writer, and analyses it.
class Analysis : public testing::Test {
 protected:
  Analysis() {
    std::string name = std::filesystem::temp_directory_path() / "tlblab-unit-XXXXXX";
    close(mkstemp(name.data()));
    path_ = name;
    std::filesystem::remove(path_);
  }
  ~Analysis() override { std::filesystem::remove(path_); }

  /// `recipes` for the pair and, if there are two, for its A/A control.
  StudyResult analyse(const std::vector<Recipe>& recipes, unsigned nr_sessions = 1) {
    StudyOverrides overrides;
    overrides.nr_sessions = nr_sessions;
    StudyPlan plan = plan_pair("munmap:per-vma", "munmap:merged", {16, 4, 1}, 1, {0, 1}, overrides);
    plan.cells.resize(recipes.size());
    records::Writer::create(path_, make_header(plan, {{"tlblab", "ab"}, {}}));
    records::Writer writer(path_);
    for (unsigned session = 1; session <= nr_sessions; ++session) {
      for (std::uint32_t cell = 0; cell < recipes.size(); ++cell) {
        write_cell(writer, cell, session, recipes[cell]);
      }
    }
    return analyse_file(path_);
  }

  void write_cell(records::Writer& writer, std::uint32_t cell, unsigned session,
                  const Recipe& recipe) {
    const std::uint64_t start_s = 1000ULL * session + cell;
    writer.add_line(json{{"record", "cell"},
                         {"cell", cell},
                         {"session", session},
                         {"realtime_ns", start_s * 1'000'000'000}}
                        .dump());
    for (std::uint32_t block = 0; block < recipe.nr_blocks; ++block) {
      const auto schedule = statistics::block_schedule(1, cell, session, block);
      for (std::size_t order = 0; order < schedule.size(); ++order) {
        Trial trial;
        trial.block = block;
        trial.order = static_cast<std::uint8_t>(order);
        trial.arm = schedule[order];
        trial.state = recipe.state(block);
        trial.start_ns = block * 1'000'000U + order;
        trial.latency_ns = static_cast<std::uint64_t>(recipe.latency_ns(trial.arm, session, block));
        trial.responders = {{trial.arm == Arm::kA ? 900U : 100U, 1, 10}};
        writer.add_line(records::encode_trial({cell, session}, 0, trial));
      }
      writer.add_line(json{
          {"record", "block"},
          {"cell", cell},
          {"session", session},
          {"block", block},
          {"seconds", 0.1 * (block + 1)},
          {"calibrator_ns",
           5000}}.dump());
    }
    for (const char* arm : {"A", "B"}) {
      const int requests = arm[0] == 'A' ? requests_a_ : 1;
      writer.add_line(
          json{{"record", "count"},
               {"cell", cell},
               {"session", session},
               {"arm", arm},
               {"state", "ok"},
               {"latency_ns", 120000},
               {"counts", json::array({{{"tlb_flush.local_mm", requests}}, {{"TLB", requests}}})}}
              .dump());
    }
    writer.add_line(
        json{{"record", "cell_end"}, {"cell", cell}, {"session", session}, {"reason", "width"}}
            .dump());
    writer.commit();
  }

  /// Reproducible noise of about 1 %.
  double noise() { return 1 + 0.01 * (static_cast<double>(random_() % 2001) / 1000 - 1); }

  /// A takes `factor` times as long as B, whatever the session and block.
  Recipe steady(double factor) {
    return {[this, factor](Arm arm, unsigned, unsigned) {
      return 100000 * (arm == Arm::kA ? factor : 1) * noise();
    }};
  }

  std::string path_;
  int requests_a_ = 16;
  std::mt19937 random_{20261120};  // the seed
};

TEST_F(Analysis, FindsAPlantedRatioAndWhoPays) {
  const StudyResult study = analyse({steady(2), steady(1)});
  const CellResult& cell = study.cells.at(0);
  EXPECT_EQ(cell.verdict, Verdict::kDifferent);
  EXPECT_NEAR(cell.ratio.estimate, 2, 0.01);
  EXPECT_LT(cell.ratio.low, 2);
  EXPECT_GT(cell.ratio.high, 2);
  EXPECT_NEAR(cell.difference_ns.estimate, 100000, 1000);
  EXPECT_EQ(cell.a.stolen_ns.estimate, 900);
  EXPECT_EQ(cell.b.stolen_ns.estimate, 100);
  EXPECT_EQ(cell.interrupts_avoided, 15);
  ASSERT_TRUE(cell.per_interrupt_ns.has_value());
  EXPECT_NEAR(cell.per_interrupt_ns->estimate, 100000 / 15.0, 100);
  EXPECT_EQ(study.cells.at(1).verdict, Verdict::kEquivalent) << "the A/A control";
  EXPECT_TRUE(study.complete);
}

TEST_F(Analysis, ASmallEffectIsEquivalent) {
  EXPECT_EQ(analyse({steady(1.02)}).cells.at(0).verdict, Verdict::kEquivalent);
}

TEST_F(Analysis, TooFewBlocksAreUnstable) {
  Recipe recipe = steady(2);
  recipe.nr_blocks = 20;
  const CellResult cell = analyse({recipe}).cells.at(0);
  EXPECT_EQ(cell.verdict, Verdict::kUnstable);
  EXPECT_TRUE(std::isinf(cell.ratio.high));
}

TEST_F(Analysis, ADriftingRatioIsUnstable) {
  const Recipe drift{[this](Arm arm, unsigned, unsigned block) {
    return 100000 * (arm == Arm::kA ? 2 + 0.02 * block : 1) * noise();
  }};
  EXPECT_EQ(analyse({drift}).cells.at(0).verdict, Verdict::kUnstable);
}

TEST_F(Analysis, SessionsThatDisagreeWidenTheInterval) {
  const Recipe regimes{[this](Arm arm, unsigned session, unsigned) {
    return 100000 * (arm == Arm::kA ? (session % 2 == 0 ? 1.8 : 2.2) : 1) * noise();
  }};
  const CellResult cell = analyse({regimes}, 8).cells.at(0);
  EXPECT_EQ(cell.sessions.size(), 8U);
  EXPECT_EQ(cell.verdict, Verdict::kDifferent);
  // t(.975, 7) = 2.365 on eight session means that alternate between ln 1.8 and ln 2.2.
  const double half = 2.3646 * std::log(2.2 / 1.8) / 2 * std::sqrt(8.0 / 7) / std::sqrt(8);
  EXPECT_NEAR(std::log(cell.ratio.high / cell.ratio.low) / 2, half, 0.002);
}

TEST_F(Analysis, SessionsThatDriftStillMakeAClaimTogether) {
  const Recipe drift{[this](Arm arm, unsigned, unsigned block) {
    return 100000 * (arm == Arm::kA ? 2 + 0.02 * block : 1) * noise();
  }};
  const CellResult few = analyse({drift}, 4).cells.at(0);
  EXPECT_EQ(few.verdict, Verdict::kUnstable);
  std::filesystem::remove(path_);
  const CellResult many = analyse({drift}, 8).cells.at(0);
  EXPECT_EQ(many.verdict, Verdict::kDifferent);
  EXPECT_NE(many.verdict_reason.find("8 of them unstable alone"), std::string::npos);
}

TEST_F(Analysis, AFailedControlVoidsEffectsOfItsSize) {
  const StudyResult study = analyse({steady(1.07), steady(1.08)});
  EXPECT_EQ(study.cells.at(1).verdict, Verdict::kDifferent) << "the planted fault";
  EXPECT_EQ(study.cells.at(0).verdict, Verdict::kVoid);
}

TEST_F(Analysis, AFailedControlSparesFarLargerEffects) {
  const StudyResult study = analyse({steady(3), steady(1.08)});
  EXPECT_EQ(study.cells.at(0).verdict, Verdict::kDifferent);
}

TEST_F(Analysis, ManyTrialsSetApartVoidACell) {
  Recipe recipe = steady(2);
  recipe.state = [](unsigned block) {
    return block % 2 == 0 ? TrialState::kSwitched : TrialState::kOk;
  };
  recipe.nr_blocks = 100;
  const CellResult cell = analyse({recipe}).cells.at(0);
  EXPECT_EQ(cell.verdict, Verdict::kVoid);
  EXPECT_EQ(cell.nr_dropped_blocks, 50U);
  EXPECT_GT(cell.a.nr_apart[static_cast<std::size_t>(TrialState::kSwitched)], 0U);
}

TEST_F(Analysis, ACellWithoutAUsableBlockIsShownAsVoid) {
  Recipe recipe = steady(2);
  recipe.state = [](unsigned) { return TrialState::kStalled; };
  const StudyResult study = analyse({recipe});
  ASSERT_EQ(study.cells.size(), 1U);
  EXPECT_EQ(study.cells[0].verdict, Verdict::kVoid);
  EXPECT_TRUE(study.cells[0].sessions.empty());
  EXPECT_TRUE(std::isnan(study.cells[0].ratio.estimate));
  EXPECT_NE(answer_sentence(study).find("void"), std::string::npos);
}

TEST_F(Analysis, AWrongNumberOfRequestsContradictsTheAccount) {
  const auto contradictions = [](const CellResult& cell) {
    std::size_t count = 0;
    for (const AccountLine& line : account(cell)) count += line.agrees ? 0 : 1;
    return count;
  };
  EXPECT_EQ(contradictions(analyse({steady(2)}).cells.at(0)), 0U);
  std::filesystem::remove(path_);
  requests_a_ = 15;  // the planted fault: a request went missing
  EXPECT_GT(contradictions(analyse({steady(2)}).cells.at(0)), 0U);
}

TEST_F(Analysis, TheAnswerSaysWhatWasFound) {
  const std::string answer = answer_sentence(analyse({steady(2)}));
  EXPECT_NE(answer.find("beats"), std::string::npos) << answer;
  EXPECT_NE(answer.find("in this session"), std::string::npos) << answer;
}

TEST_F(Analysis, EmulatedTimeIsNeverInTheAnswer) {
  StudyResult study = analyse({steady(2)});
  study.emulated = true;
  const std::string answer = answer_sentence(study);
  EXPECT_NE(answer.find("emulated"), std::string::npos);
  for (const char* unit : {" ns", " µs", " ms"}) {
    EXPECT_EQ(answer.find(unit), std::string::npos) << answer;
  }
}

}  // namespace
}  // namespace tlblab::report
