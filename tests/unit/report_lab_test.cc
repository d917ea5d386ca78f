// SPDX-License-Identifier: GPL-2.0-only
// The lab in reports: its account against what is due, its times beside their twin or not at all.
// Every figure is made up; each check is provoked by a planted fault.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/unit/report_checks.hh"
#include "user/analysis/account_check.hh"
#include "user/analysis/twins.hh"
#include "user/commands/summary.hh"
#include "user/experiment/header.hh"
#include "user/experiment/twins.hh"
#include "user/records/block.hh"
#include "user/records/writer.hh"
#include "user/report/document/account.hh"
#include "user/report/document/answer.hh"
#include "user/report/document/builder.hh"
#include "user/report/document/tables.hh"
#include "user/report/gbench.hh"
#include "user/report/render/mail.hh"
#include "user/report/render/markdown.hh"
#include "user/statistics/blocks.hh"

namespace tlblab::report {
namespace {

using nlohmann::json;
using statistics::Verdict;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kPerVma = "lab/unmap:per-vma";
constexpr const char* kMerged = "lab/unmap:merged";

/// What the made-up machine does. Requests are those of 16x4+1 unless a fault says otherwise.
struct MadeUpMachine {
  double lab_ratio = 3;
  double stock_ratio = 5;
  std::uint64_t lab_requests_a = 16;    ///< counted inside, in the counting pass
  std::uint64_t block_requests_a = 16;  ///< likewise in the timing pass
  std::uint64_t stock_due_b = 1;
  bool broadcast = false;
};

class LabReport : public testing::Test {
 protected:
  LabReport() {
    std::string name = std::filesystem::temp_directory_path() / "tlblab-unit-XXXXXX";
    close(mkstemp(name.data()));
    path_ = name;
    std::filesystem::remove(path_);
  }
  ~LabReport() override { std::filesystem::remove(path_); }

  static StudyPlan plan_of(const std::string& a, const std::string& b, bool timed = true) {
    StudyPlan plan;
    plan.name = "lab";
    plan.question = "Invented?";
    plan.cpus = {0, 1};
    CellPlan cell;
    cell.a = a;
    cell.b = b;
    cell.nr_responders = 1;
    cell.timed = timed;
    cell.headline = true;
    cell.id = cell_id(a, b, cell.shape, 1);
    plan.cells = {cell};
    add_twins(plan);
    return plan;
  }

  StudyResult analyse(const StudyPlan& plan, const MadeUpMachine& machine) {
    std::filesystem::remove(path_);
    records::Writer::create(path_, make_header(plan, {{"tlblab", "study", "lab"}, {}}));
    records::Writer writer(path_);
    for (std::uint32_t i = 0; i < plan.cells.size(); ++i) {
      write_cell(writer, i, plan.cells[i], machine);
    }
    return analyse_file(path_);
  }

  static Account inside_of(bool is_a, std::uint64_t requests, const MadeUpMachine& machine) {
    Account inside = {{"requests", requests}, {"cleared", 64},     {"released", 64},
                      {"clear_ns", 21'000},   {"flush_ns", 7'500}, {"release_ns", 900},
                      {"resched_points", 5}};
    if (machine.broadcast) {
      inside["tlbi"] = 64;
      inside["dsb_ish"] = requests;
    } else {
      inside["targets"] = is_a ? 16 : 1;
    }
    return inside;
  }

  static json expected_of(bool is_lab, bool is_a, const MadeUpMachine& machine) {
    const std::uint64_t due = is_a ? 16 : is_lab ? 1 : machine.stock_due_b;
    json to = {{"note", "made up"}, {"requests", due}};
    if (is_lab) to["inside"] = {{"requests", due}, {"cleared", 64}, {"released", 64}};
    return to;
  }

  static void write_cell(records::Writer& writer, std::uint32_t index, const CellPlan& plan,
                         const MadeUpMachine& machine) {
    const bool is_lab = plan.needs_twin;
    writer.add_line(json{
        {"record", "cell"},
        {"cell", index},
        {"session", 1},
        {"realtime_ns", (1000ULL + index) * 1'000'000'000},
        {"expected",
         {{"A", expected_of(is_lab, true, machine)}, {"B", expected_of(is_lab, false, machine)}}}}
                        .dump());
    for (std::uint32_t block = 0; plan.timed && block < 64; ++block) {
      records::BlockRecord record =
          made_block(index, is_lab ? machine.lab_ratio : machine.stock_ratio, block);
      if (is_lab) {
        record.engine_accounts[0]["requests"] = kTrialsPerBlock / 2 * machine.block_requests_a;
        record.engine_accounts[1]["requests"] = kTrialsPerBlock / 2;
      }
      writer.add_line(records::encode(record, 0));
    }
    for (const bool is_a : {true, false}) {
      const std::uint64_t requests = is_a ? 16 : 1;
      json counts = json::array({json::object(), json::object()});
      if (!machine.broadcast) {
        counts = json::array({{{"tlb_flush.local_mm", requests}}, {{"TLB", requests}}});
      }
      json record = {{"record", "count"}, {"cell", index},           {"session", 1},
                     {"state", "ok"},     {"arm", is_a ? "A" : "B"}, {"latency_ns", 120000},
                     {"counts", counts}};
      if (is_lab) {
        record["inside"] = inside_of(is_a, is_a ? machine.lab_requests_a : 1, machine);
      }
      writer.add_line(record.dump());
    }
    writer.add_line(json{{"record", "cell_end"},
                         {"cell", index},
                         {"session", 1},
                         {"reason", plan.timed ? "width" : "counts"}}
                        .dump());
    writer.commit();
  }

  static records::BlockRecord made_block(std::uint32_t cell, double ratio, std::uint32_t block) {
    records::BlockRecord record{{cell, 1}, block, 0.1 * (block + 1), 5000};
    const auto schedule = statistics::block_schedule(1, cell, 1, block);
    for (std::size_t order = 0; order < schedule.size(); ++order) {
      Trial trial;
      trial.block = block;
      trial.order = static_cast<std::uint8_t>(order);
      trial.arm = schedule[order];
      const double wobble = 1 + 0.002 * static_cast<double>((block * 7 + order) % 5);
      trial.latency_ns =
          static_cast<std::uint64_t>(40000 * (trial.arm == Arm::kA ? ratio : 1) * wobble);
      trial.responders = {{100, 1, 10}};
      record.trials.push_back(trial);
    }
    return record;
  }

  static std::vector<AccountLine> contradictions(const CellResult& cell) {
    std::vector<AccountLine> wrong;
    for (AccountLine& line : account(cell)) {
      if (!line.agrees) wrong.push_back(std::move(line));
    }
    return wrong;
  }

  static std::string value_of(const CellResult& cell, const std::string& term) {
    for (const AccountLine& line : account(cell)) {
      if (line.term == term) return line.a + " / " + line.b;
    }
    return "no such line";
  }

  std::string path_;
};

TEST_F(LabReport, TheStockKernelBearsTheLabOut) {
  const StudyResult study = analyse(plan_of(kPerVma, kMerged), {});
  ASSERT_EQ(study.cells.size(), 2U);
  const CellResult& lab = study.cells[0];
  EXPECT_EQ(lab.verdict, Verdict::kDifferent);
  EXPECT_EQ(lab.twin, 1U);
  EXPECT_EQ(lab.agreement, Agreement::kYes);
  EXPECT_EQ(lab.miscount, "");
  EXPECT_THAT(answer_sentence(study), HasSubstr("the stock kernel agrees (5"));
  const std::string page = render_markdown(build_document(study), "");
  EXPECT_THAT(page, HasSubstr("agree?"));
  EXPECT_THAT(page, HasSubstr("Yes in 1 of 1 cell"));
  EXPECT_TRUE(checks::ragged_rows(page).empty());
  EXPECT_TRUE(checks::long_lines(render_mail(build_document(study)), 72).empty());
}

TEST_F(LabReport, WhereItsTimeGoesIsShownWhereTimesAre) {
  const StudyResult timed = analyse(plan_of(kPerVma, kMerged), {});
  const Table table = phases_table({timed.cells.data()}, Labels(timed));
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.columns[2].title, "walking and clearing");
  EXPECT_EQ(table.rows[0].cells[2].text, "21.0 µs");
  EXPECT_EQ(table.rows[1].cells[4].text, "900 ns");
  EXPECT_EQ(table.rows[1].cells[5].text, "5.00");
  for (const std::string& text :
       {render_mail(build_document(timed)), render_markdown(build_document(timed), "")}) {
    EXPECT_THAT(text, HasSubstr("Where the module's time goes"));
  }
  EXPECT_THAT(summary_json(timed).at("cells").at(0).at("a").at("inside").dump(),
              HasSubstr("clear_ns"));
  EXPECT_EQ(value_of(timed.cells[0], "offers to yield the CPU"), "5 / 5");

  const StudyResult untimed = analyse(plan_of(kPerVma, kMerged, false), {});
  EXPECT_TRUE(phases_table({untimed.cells.data()}, Labels(untimed)).rows.empty());
  EXPECT_THAT(summary_json(untimed).dump(), Not(HasSubstr("clear_ns")));
  EXPECT_THAT(render_markdown(build_document(untimed), ""), Not(HasSubstr("module's time goes")));
  EXPECT_EQ(value_of(untimed.cells[0], "offers to yield the CPU"), "5 / 5");
}

TEST_F(LabReport, AStockKernelThatSaysTheContraryIsShown) {
  MadeUpMachine machine;
  machine.stock_ratio = 0.5;
  const StudyResult study = analyse(plan_of(kPerVma, kMerged), machine);
  EXPECT_EQ(study.cells[0].agreement, Agreement::kNo);
  EXPECT_THAT(answer_sentence(study), HasSubstr("does not agree"));
  machine.stock_ratio = 1;  // equivalent
  EXPECT_EQ(analyse(plan_of(kPerVma, kMerged), machine).cells[0].agreement, Agreement::kNo);
}

TEST(Agreement, IsOnlyBetweenDecidedVerdicts) {
  CellResult cell;
  CellResult twin;
  const auto agree = [&](Verdict a, double ratio_a, Verdict b, double ratio_b) {
    cell.verdict = a;
    cell.ratio.estimate = ratio_a;
    twin.verdict = b;
    twin.ratio.estimate = ratio_b;
    return agreement_of(cell, twin);
  };
  EXPECT_EQ(agree(Verdict::kDifferent, 2, Verdict::kDifferent, 9), Agreement::kYes);
  EXPECT_EQ(agree(Verdict::kDifferent, 2, Verdict::kDifferent, 0.9), Agreement::kNo);
  EXPECT_EQ(agree(Verdict::kEquivalent, 1.01, Verdict::kEquivalent, 0.99), Agreement::kYes);
  EXPECT_EQ(agree(Verdict::kEquivalent, 1.01, Verdict::kDifferent, 1.5), Agreement::kNo);
  for (const Verdict open : {Verdict::kInconclusive, Verdict::kVoid}) {
    EXPECT_EQ(agree(open, 2, Verdict::kDifferent, 2), Agreement::kOpen);
    EXPECT_EQ(agree(Verdict::kDifferent, 2, open, 2), Agreement::kOpen);
  }
}

TEST_F(LabReport, AMissingRequestVoidsTheCell) {
  MadeUpMachine machine;
  machine.lab_requests_a = 15;
  const StudyResult study = analyse(plan_of(kPerVma, kMerged), machine);
  const CellResult& lab = study.cells[0];
  EXPECT_EQ(lab.verdict, Verdict::kVoid);
  EXPECT_THAT(lab.verdict_reason, HasSubstr("requests: 15 to 16 where 16 are due"));
  EXPECT_THAT(lab.verdict_reason, HasSubstr(kPerVma));
  EXPECT_FALSE(contradictions(lab).empty());
  EXPECT_EQ(nr_miscounted(study), 1U);
  EXPECT_EQ(lab.agreement, Agreement::kOpen);
  EXPECT_THAT(render_mail(build_document(study)), HasSubstr("void"));
}

/// The timing pass is checked by its blocks' sums.
TEST_F(LabReport, AMissingRequestOfTheTimingPassVoidsTheCellToo) {
  MadeUpMachine machine;
  machine.block_requests_a = 17;
  const StudyResult study = analyse(plan_of(kPerVma, kMerged), machine);
  EXPECT_EQ(study.cells[0].verdict, Verdict::kVoid);
  EXPECT_THAT(study.cells[0].verdict_reason, HasSubstr("16 to 17"));
}

TEST(AccountCheck, OneOperationOfABlockIsEnough) {
  AccountCheck check;
  check.add({{"requests", 32 * 16}}, 32);
  EXPECT_EQ(check.miscount({{"requests", 16}}), "");
  check.add({{"requests", 32 * 16 + 1}}, 32);
  EXPECT_EQ(check.miscount({{"requests", 16}}), "requests: 16 to 17 where 16 are due");
  EXPECT_EQ(check.miscount({{"full", 1}}), "full: not counted, where 1 are due");
  EXPECT_EQ(AccountCheck().miscount({{"full", 1}}), "") << "nobody looked inside";
}

/// Such as stock arm64, which flushes at each VMA's end whatever the call.
TEST_F(LabReport, ATwinThatFlushesOtherwiseIsNone) {
  MadeUpMachine machine;
  machine.stock_due_b = 16;
  const StudyResult study = analyse(plan_of(kPerVma, kMerged), machine);
  const CellResult& lab = study.cells[0];
  EXPECT_THAT(lab.untimed, HasSubstr("flushes 16 times, not 1"));
  EXPECT_FALSE(lab.twin.has_value());
  EXPECT_TRUE(lab.sessions.empty());
  EXPECT_TRUE(std::isnan(lab.ratio.estimate));
  EXPECT_EQ(headline(study), &study.cells[1]) << "the answer needs a time";
  const json entries = json::parse(render_gbench(study)).at("benchmarks");
  EXPECT_EQ(entries.size(), 2U);
  for (const json& entry : entries) {
    EXPECT_THAT(entry.at("name").get<std::string>(), Not(HasSubstr("lab/")));
  }
  EXPECT_THAT(render_markdown(build_document(study), ""), HasSubstr("1 cell without a time"));
}

TEST_F(LabReport, ATwinThatWasNotMeasuredIsNone) {
  StudyPlan plan = plan_of(kPerVma, kMerged);
  plan.cells.resize(1);
  const StudyResult study = analyse(plan, {});
  EXPECT_THAT(study.cells.at(0).untimed, HasSubstr("not measured beside it"));
  EXPECT_FALSE(shows_time(study));
  EXPECT_TRUE(checks::times(render_mail(build_document(study))).empty())
      << render_mail(build_document(study));
}

TEST_F(LabReport, CountsOnlyCellsShowCountsAndNoTime) {
  const StudyPlan plan = plan_of(kPerVma, kMerged, false);
  ASSERT_EQ(plan.cells.size(), 1U);
  const StudyResult study = analyse(plan, {});
  ASSERT_EQ(study.cells.size(), 1U);
  EXPECT_TRUE(study.complete);
  EXPECT_FALSE(shows_time(study));
  EXPECT_EQ(study.cells[0].a.nr_trials, 1U);
  EXPECT_THAT(answer_sentence(study), HasSubstr("just the flush requests that are due"));
  for (const std::string& text :
       {render_mail(build_document(study)), render_markdown(build_document(study), ""),
        summary_text(study)}) {
    EXPECT_TRUE(checks::times(text).empty()) << text;
  }
  EXPECT_FALSE(summary_json(study).at("cells").at(0).contains("ratio"));
  const Table table = inside_table(study, Labels(study));
  ASSERT_EQ(table.rows.size(), 2U);
  const auto text = [&](std::size_t row, std::size_t column) {
    return table.rows[row].cells.at(column).text;
  };
  EXPECT_EQ(text(0, 0), "unmap:merged");
  EXPECT_EQ(text(1, 0), "unmap:per-vma");
  for (const std::size_t column : {2U, 3U, 4U}) {  // due, inside, outside
    EXPECT_EQ(text(0, column), "1");
    EXPECT_EQ(text(1, column), "16");
  }
  EXPECT_EQ(text(1, 5), "16 of 16");
}

TEST_F(LabReport, AContradictionInACountsOnlyStudyIsInTheAnswer) {
  MadeUpMachine machine;
  machine.lab_requests_a = 17;
  const StudyResult study = analyse(plan_of(kPerVma, kMerged, false), machine);
  EXPECT_THAT(answer_sentence(study), HasSubstr("In 1 of 1 cell the account"));
  EXPECT_EQ(study.cells[0].verdict, Verdict::kVoid);
}

TEST_F(LabReport, TargetsAreReconciledWithWhatWasHandled) {
  const CellResult cell = analyse(plan_of(kPerVma, kMerged), {}).cells[0];
  EXPECT_EQ(value_of(cell, "targets, at most"), "16 / 1");
  EXPECT_EQ(value_of(cell, "targets, inside"), "16 / 1");
  EXPECT_EQ(value_of(cell, "targets that ran no flush: lazy, or left to the hypervisor"), "0 / 0");
  EXPECT_TRUE(contradictions(cell).empty());
}

TEST_F(LabReport, MoreTargetsThanRespondersContradict) {
  CellResult cell = analyse(plan_of(kPerVma, kMerged), {}).cells[0];
  cell.a.engine_account["targets"] = {17, 17, 17, 1};
  ASSERT_EQ(contradictions(cell).size(), 1U);
  EXPECT_EQ(contradictions(cell)[0].term, "targets, inside");
}

TEST_F(LabReport, FewerTargetsThanFlushesRunContradict) {
  CellResult cell = analyse(plan_of(kPerVma, kMerged), {}).cells[0];
  cell.a.engine_account["targets"] = {12, 12, 12, 1};
  EXPECT_FALSE(contradictions(cell).empty());
}

TEST_F(LabReport, ABroadcastNamesNoTarget) {
  MadeUpMachine machine;
  machine.broadcast = true;
  const StudyResult study = analyse(plan_of(kPerVma, kMerged, false), machine);
  const CellResult& cell = study.cells[0];
  EXPECT_EQ(value_of(cell, "targets, at most"), "unknown / unknown");
  EXPECT_EQ(value_of(cell, "DSBs that complete them"), "16 / 1");
  EXPECT_EQ(value_of(cell, "TLBIs"), "64 / 64");
  EXPECT_TRUE(contradictions(cell).empty());
  const Table table = inside_table(study, Labels(study));
  EXPECT_EQ(table.rows.at(1).cells.at(4).text, "unknown");
  EXPECT_EQ(table.rows.at(1).cells.at(5).text, "16 DSB");
}

}  // namespace
}  // namespace tlblab::report
