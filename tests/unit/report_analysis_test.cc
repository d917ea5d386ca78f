// SPDX-License-Identifier: GPL-2.0-only
// Analysis of made-up trials whose truth is known. Every verdict and every control is provoked.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "user/analysis/analysis.hh"
#include "user/analysis/cell_builder.hh"
#include "user/experiment/header.hh"
#include "user/experiment/study_file.hh"
#include "user/records/block.hh"
#include "user/records/count.hh"
#include "user/records/lines.hh"
#include "user/records/pool.hh"
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
  std::function<TrialState(Arm, unsigned block, std::size_t order)> state =
      [](Arm, unsigned, std::size_t) { return TrialState::kOk; };
  unsigned nr_blocks = 64;
  double block_s = 0.1;        ///< measuring time of a block
  double outside_a_ns = 1000;  ///< from the end of A's window to the next start
  double seconds_in_run = 0;   ///< added to A's second trial of each run, in ns
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
    const std::uint64_t start_s = first_session_s_ + 1000ULL * session + cell;
    writer.add_line(json{{"record", "cell"},
                         {"cell", cell},
                         {"session", session},
                         {"realtime_ns", start_s * 1'000'000'000}}
                        .dump());
    std::uint64_t now_ns = 0;
    for (std::uint32_t block = 0; block < recipe.nr_blocks; ++block) {
      const auto schedule = statistics::block_schedule(1, cell, session, block);
      records::BlockRecord record{{cell, session}, block, recipe.block_s * (block + 1), 5000};
      for (std::size_t order = 0; order < schedule.size(); ++order) {
        Trial trial;
        trial.block = block;
        trial.order = static_cast<std::uint8_t>(order);
        trial.arm = schedule[order];
        trial.state = leads_in(order) ? TrialState::kLeadIn : recipe.state(trial.arm, block, order);
        trial.start_ns = now_ns;
        trial.latency_ns = static_cast<std::uint64_t>(recipe.latency_ns(trial.arm, session, block));
        if (trial.arm == Arm::kA && order % kTrialsPerRun == 1) {
          trial.latency_ns += static_cast<std::uint64_t>(recipe.seconds_in_run);
        }
        now_ns += trial.latency_ns +
                  static_cast<std::uint64_t>(trial.arm == Arm::kA ? recipe.outside_a_ns : 1000);
        trial.responders = {{trial.arm == Arm::kA ? 900U : 100U, 1, 10}};
        record.trials.push_back(trial);
      }
      writer.add_line(records::encode(record, 0));
    }
    for (const char* arm : {"A", "B"}) {
      const bool is_per_vma = arm[0] == 'A' || cell == 1;  // whose A/A control that cell is
      const int requests = is_per_vma ? requests_a_ : 1;
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
  bool quad_flipped_ = false;
  std::uint64_t first_session_s_ = 0;
  std::mt19937 random_{20261120};  // the seed
};

/// A count trial of arm A with these counts, initiator first.
records::CountTrial counted(std::vector<Counts> counts) {
  return {Arm::kA, TrialState::kOk, 1000, std::move(counts), {}};
}

CellResult analysed(const std::vector<records::CountTrial>& trials) {
  CellPlan plan;
  plan.timed = false;
  CellBuilder cell(plan);
  cell.begin(1, {});
  for (const records::CountTrial& trial : trials) cell.add(trial);
  return cell.finish(0);
}

TEST(ResponderCounts, EachHasAMeanAndTheyHaveASpread) {
  const CellResult cell =
      analysed({counted({{}, {{"walks", 10}}, {{"walks", 20}}, {{"walks", 0}}}),
                counted({{}, {{"walks", 10}}, {{"walks", 80}}, {{"walks", 0}}})});
  const ResponderSpread& spread = cell.a.responder_spread.at("walks");
  EXPECT_EQ(spread.least, 0);
  EXPECT_EQ(spread.median, 10);
  EXPECT_EQ(spread.most, 50) << "of its mean, not of one operation";
  EXPECT_EQ(spread.nr_responders, 3U);
  EXPECT_EQ(cell.a.responder_counts.at("walks").mean, 60);
}

TEST(ResponderCounts, ASumWithoutOneOfThemIsNone) {
  const CellResult cell =
      analysed({counted({{}, {{"TLB", 16}}, {{"TLB", 16}}}), counted({{}, {{"TLB", 16}}, {}})});
  EXPECT_EQ(cell.a.responder_counts.at("TLB").nr_trials, 1U);
  EXPECT_EQ(cell.a.responder_counts.at("TLB").min, 32U);
  const CellResult none = analysed({counted({{}, {{"TLB", 16}}, {}})});
  EXPECT_EQ(none.a.responder_counts.count("TLB"), 0U);
  EXPECT_EQ(none.a.responder_spread.at("TLB").nr_responders, 1U);
}

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

TEST_F(Analysis, TooFewBlocksOrSecondsDoNotCount) {
  Recipe few = steady(2);
  few.nr_blocks = 20;
  few.block_s = 1;
  Recipe brief = steady(2);
  brief.block_s = 0.01;
  for (const Recipe& recipe : {few, brief}) {
    std::filesystem::remove(path_);
    const CellResult cell = analyse({recipe}, 8).cells.at(0);
    EXPECT_EQ(cell.verdict, Verdict::kInconclusive);
    EXPECT_EQ(cell.scope, statistics::Scope::kNothing);
    EXPECT_EQ(cell.sessions.size(), 8U) << "they are shown all the same";
    EXPECT_TRUE(std::isinf(cell.ratio.high));
    EXPECT_NEAR(cell.ratio.estimate, 2, 0.01);
  }
}

// A wandering ratio has a word, from the range of what was seen.
TEST_F(Analysis, ADriftingRatioWandersAndKeepsItsWord) {
  const Recipe drift{[this](Arm arm, unsigned, unsigned block) {
    return 100000 * (arm == Arm::kA ? 2 + 0.02 * block : 1) * noise();
  }};
  const CellResult cell = analyse({drift}).cells.at(0);
  EXPECT_EQ(cell.state, statistics::State::kWandering);
  EXPECT_EQ(cell.verdict, Verdict::kDifferent);
  EXPECT_LT(cell.ratio.low, 2.1);
  EXPECT_GT(cell.ratio.high, 3.1);
}

TEST_F(Analysis, ADriftAcrossOneStaysOpen) {
  const Recipe drift{[this](Arm arm, unsigned, unsigned block) {
    return 100000 * (arm == Arm::kA ? 0.8 + 0.01 * block : 1) * noise();
  }};
  EXPECT_EQ(analyse({drift}).cells.at(0).verdict, Verdict::kInconclusive);
}

TEST_F(Analysis, AMeanThatDiffersIsNotEquivalent) {
  Recipe recipe = steady(1);
  recipe.latency_ns = [this](Arm arm, unsigned, unsigned) {
    return 100000 * (arm == Arm::kB && random_() % 4 == 0 ? 10 : 1) * noise();
  };
  const CellResult cell = analyse({recipe}).cells.at(0);
  EXPECT_EQ(cell.verdict, Verdict::kInconclusive);
  EXPECT_NE(cell.verdict_reason.find("typical calls are equivalent"), std::string::npos)
      << cell.verdict_reason;
  EXPECT_LT(cell.mean_ratio.high, 0.6);
}

TEST_F(Analysis, WhatAnArmPaysOutsideItsWindow) {
  Recipe recipe = steady(2);
  recipe.outside_a_ns = 3500;
  const CellResult cell = analyse({recipe}).cells.at(0);
  EXPECT_NEAR(cell.outside_ns.estimate, 2500, 1);
  EXPECT_GT(cell.outside_ns.low, 2400);
  EXPECT_FALSE(cell.alternated);
}

TEST_F(Analysis, MemoryThatOutlastsTheLeadInIsSaid) {
  Recipe recipe = steady(2);
  EXPECT_FALSE(analyse({recipe}).cells.at(0).outlasts_lead_in);
  std::filesystem::remove(path_);
  recipe.seconds_in_run = 20000;  // the planted fault: the second of a run still pays
  const CellResult cell = analyse({recipe}).cells.at(0);
  EXPECT_TRUE(cell.outlasts_lead_in);
  EXPECT_NEAR(cell.position->estimate, 1.1, 0.01);
}

// Four sessions in each of two boots speak together, in the order of their starts.
TEST_F(Analysis, SessionsOfOnePlanFromSeveralFilesArePooled) {
  const std::string other = path_ + ".other";
  analyse({steady(2), steady(1)}, 4);
  std::filesystem::rename(path_, other);
  first_session_s_ = 100000;
  EXPECT_EQ(analyse({steady(2), steady(1)}, 4).cells.at(0).nr_sessions_counted, 4U);
  const auto header = [](const std::string& path) {
    return records::decode_study_header(records::read_header_line(path), path);
  };
  records::StudyHeader later = header(path_);
  EXPECT_TRUE(records::can_pool(header(other), later));
  later.plan.seed += 1;
  later.plan.nr_sessions = 99;
  EXPECT_TRUE(records::can_pool(header(other), later));

  const StudyResult study = analyse_files(std::vector{other, path_});
  std::filesystem::remove(other);
  const CellResult& cell = study.cells.at(0);
  EXPECT_EQ(cell.sessions.size(), 8U);
  EXPECT_EQ(cell.sessions.back().session, 8U);
  EXPECT_EQ(cell.scope, statistics::Scope::kMachine);
  EXPECT_EQ(cell.verdict, Verdict::kDifferent);
  EXPECT_TRUE(study.complete);

  for (const auto& change : std::vector<std::function<void(records::StudyHeader&)>>{
           [](auto& made) { made.machine.kernel = "9.9.9"; },
           [](auto& made) { made.machine.hostname = "another"; },
           [](auto& made) { made.version = "9.9"; },
           [](auto& made) { made.plan.cells.pop_back(); }}) {
    records::StudyHeader made = header(path_);
    change(made);
    EXPECT_FALSE(records::can_pool(header(path_), made));
    EXPECT_TRUE(records::kept_apart_by(header(path_), made).empty());
  }
  // The same machine, set otherwise since: flushes are no longer the same, and that is said.
  records::StudyHeader full = header(path_);
  records::StudyHeader lazy = full;
  full.machine.flushing = {{"preemption model", "full", "debugfs"}};
  lazy.machine.flushing.clear();
  EXPECT_TRUE(records::can_pool(full, lazy)) << "not recorded in one of them";
  lazy.machine.flushing = {{"preemption model", "lazy", "debugfs"}};
  EXPECT_FALSE(records::can_pool(full, lazy));
  EXPECT_EQ(in_words(records::kept_apart_by(full, lazy)), "preemption model: full, lazy");
}

// As the first release recorded: 64 trials, ABBA or BAAB one by one. B takes what A left.
TEST_F(Analysis, AnEarlyFileIsJudgedByWhatFollowsItsOwnArm) {
  analyse({steady(1)});
  json header = json::parse(records::read_header_line(path_));
  header["schema"] = 1;
  header["trial_columns"] = {"cell", "session",    "block", "order",     "start_ns",
                             "arm",  "latency_ns", "state", "responders"};
  header["responder_columns"] = {"stolen_ns", "interrupts", "heartbeats"};
  std::ofstream early(path_ + ".early");
  early << header.dump() << "\n";
  early << R"({"record":"cell","cell":0,"session":1,"realtime_ns":0})"
        << "\n";
  for (int block = 0; block < 64; ++block) {
    bool after_a = false;
    for (int order = 0; order < 64; ++order) {
      const bool flipped = random_() % 2 == 0 && order % 4 == 0;
      if (order % 4 == 0) quad_flipped_ = flipped;
      const bool is_a = (order % 4 == 0 || order % 4 == 3) != quad_flipped_;
      const double ns = 40000 * noise() + (after_a ? 8000 : 0);
      early << "[0,1," << block << "," << order << "," << (block * 64 + order) * 100000 << ",\""
            << (is_a ? 'A' : 'B') << "\"," << static_cast<int>(ns) << ",\"ok\",[[0,0,1]]]\n";
      after_a = is_a;
    }
    early << R"({"record":"block","cell":0,"session":1,"block":)" << block << R"(,"seconds":)"
          << 0.1 * (block + 1) << R"(,"calibrator_ns":5000})"
          << "\n";
  }
  early << R"({"record":"cell_end","cell":0,"session":1,"reason":"time"})"
        << "\n";
  early.close();
  const StudyResult study = analyse_file(path_ + ".early");
  std::filesystem::remove(path_ + ".early");
  const CellResult& cell = study.cells.at(0);
  EXPECT_TRUE(cell.alternated);
  EXPECT_NEAR(cell.ratio.estimate, 1.2, 0.01) << "an arm used all the time pays what it leaves";
  EXPECT_FALSE(cell.position.has_value());
  ASSERT_FALSE(study.lacks.empty());
  EXPECT_NE(study.lacks.front().find("early file"), std::string::npos);
}

TEST_F(Analysis, SessionsThatDisagreeWidenTheInterval) {
  const Recipe regimes{[this](Arm arm, unsigned session, unsigned) {
    return 100000 * (arm == Arm::kA ? (session % 2 == 0 ? 1.8 : 2.2) : 1) * noise();
  }};
  const CellResult cell = analyse({regimes}, 8).cells.at(0);
  EXPECT_EQ(cell.sessions.size(), 8U);
  EXPECT_EQ(cell.verdict, Verdict::kDifferent);
  EXPECT_EQ(cell.scope, statistics::Scope::kMachine);
  // t(.975, 7) = 2.365 on eight session means that alternate between ln 1.8 and ln 2.2.
  const double s = std::log(2.2 / 1.8) / 2 * std::sqrt(8.0 / 7);
  EXPECT_NEAR(std::log(cell.ratio.high / cell.ratio.low) / 2, 2.3646 * s / std::sqrt(8), 0.002);
  ASSERT_TRUE(cell.next_session);
  EXPECT_NEAR(std::log(cell.next_session->high / cell.next_session->low) / 2,
              2.3646 * s * std::sqrt(1 + 1.0 / 8), 0.004);
  ASSERT_TRUE(cell.clusters) << "two regimes are said to be two";
  EXPECT_NEAR(cell.clusters->lower.high, 1.8, 0.01);
  EXPECT_NEAR(cell.clusters->upper.low, 2.2, 0.01);
}

TEST_F(Analysis, AControlThatStraysTakesBackEffectsOfItsSize) {
  const StudyResult study = analyse({steady(1.07), steady(1.08)});
  EXPECT_EQ(study.cells.at(1).verdict, Verdict::kDifferent) << "the planted fault";
  EXPECT_FALSE(study.controls_pass);
  EXPECT_EQ(study.cells.at(0).verdict, Verdict::kInconclusive);
  EXPECT_NE(study.cells.at(0).verdict_reason.find("A/A control"), std::string::npos);
}

// Off by 4 %, a control is called equivalent, and yet a difference of 4 % beside it is nothing.
TEST_F(Analysis, AnEquivalentControlIsNoExcuse) {
  const StudyResult study = analyse({steady(1.042), steady(1.042)});
  EXPECT_EQ(study.cells.at(1).verdict, Verdict::kEquivalent);
  EXPECT_EQ(study.cells.at(0).verdict, Verdict::kInconclusive);
}

TEST_F(Analysis, AControlThatStraysSparesFarLargerEffects) {
  const StudyResult study = analyse({steady(3), steady(1.08)});
  EXPECT_EQ(study.cells.at(0).verdict, Verdict::kDifferent);
  EXPECT_TRUE(study.controls_pass) << "8 % is less than a third of ln 3";
}

TEST_F(Analysis, ManyTrialsSetApartVoidACell) {
  Recipe recipe = steady(2);
  recipe.state = [](Arm, unsigned block, std::size_t) {
    return block % 2 == 0 ? TrialState::kSwitched : TrialState::kOk;
  };
  recipe.nr_blocks = 100;
  const CellResult cell = analyse({recipe}).cells.at(0);
  EXPECT_EQ(cell.verdict, Verdict::kVoid);
  EXPECT_EQ(cell.nr_dropped_blocks, 50U);
  EXPECT_GT(cell.a.nr_apart[static_cast<std::size_t>(TrialState::kSwitched)], 0U);
}

TEST_F(Analysis, TrialsSetApartInOneArmVoidACell) {
  Recipe recipe = steady(2);
  const auto a_tenth = [](bool both) {
    return [both](Arm arm, unsigned, std::size_t order) {
      return order % 10 == 2 && (both || arm == Arm::kA) ? TrialState::kSwitched : TrialState::kOk;
    };
  };
  recipe.state = a_tenth(false);
  EXPECT_EQ(analyse({recipe}).cells.at(0).verdict, Verdict::kVoid);
  std::filesystem::remove(path_);
  recipe.state = a_tenth(true);
  EXPECT_EQ(analyse({recipe}).cells.at(0).verdict, Verdict::kDifferent);
}

TEST_F(Analysis, ACellWithoutAUsableBlockIsShownAsVoid) {
  Recipe recipe = steady(2);
  recipe.state = [](Arm, unsigned, std::size_t) { return TrialState::kStalled; };
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

TEST_F(Analysis, TheAnswerNamesTheTroubleOfAnyRun) {
  StudyResult study = analyse({steady(2)});
  EXPECT_EQ(answer_sentence(study).find("unfit"), std::string::npos);
  records::RunHeader later;
  later.findings = {{Severity::kTrouble, "steal time", "half of it", ""},
                    {Severity::kWarning, "clock", "slow", ""}};
  add_later_run(study, later);
  add_later_run(study, later);
  const std::string answer = answer_sentence(study);
  EXPECT_NE(answer.find("unfit for a run: steal time."), std::string::npos) << answer;
  study.emulated = true;
  EXPECT_EQ(answer_sentence(study).find("unfit"), std::string::npos) << "no time is claimed";
}

TEST_F(Analysis, ARunThatWentOnWithOtherFlushesIsNamed) {
  StudyResult study = analyse({steady(2)});
  study.flushing = {{"INVLPGB", "possible: at once", "CPUID"}};
  records::RunHeader later;
  later.machine.flushing = study.flushing;
  const std::size_t nr_before = study.warnings.size();
  add_later_run(study, later);
  EXPECT_EQ(study.warnings.size(), nr_before);
  later.machine.flushing[0].value = "not possible: page-table isolation is on";
  add_later_run(study, later);
  ASSERT_EQ(study.warnings.size(), nr_before + 1);
  EXPECT_NE(study.warnings.back().find("INVLPGB: possible: at once, not possible"),
            std::string::npos);
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
