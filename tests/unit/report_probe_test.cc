// SPDX-License-Identifier: GPL-2.0-only
// What victims lose after the window: said where it was measured, and said to be unknown elsewhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/unit/report_fixture.hh"
#include "user/commands/summary.hh"
#include "user/report/document/answer.hh"
#include "user/report/document/builder.hh"
#include "user/report/document/probe.hh"
#include "user/report/render/html.hh"
#include "user/report/render/mail.hh"
#include "user/report/render/markdown.hh"

namespace tlblab::report {
namespace {

const Section& who_pays(const Document& document) {
  return *std::find_if(document.sections.begin(), document.sections.end(),
                       [](const Section& section) { return section.id == "who-pays"; });
}

/// The single cell, with working sets of 64, 512 and 2048 pages. Figures are invented.
StudyResult probed() {
  StudyResult study = fixture::single_cell();
  for (const std::size_t pages : {64U, 512U, 2048U}) {
    ProbePoint point;
    point.nr_pages = pages;
    point.nr_blocks = 32;
    point.losses[0] = {{700, 600, 800}, {10.0 * static_cast<double>(pages), 1, 99999}, {}};
    point.losses[1] = {{70, 60, 80}, {5.0 * static_cast<double>(pages), 1, 99999}, {}};
    study.cells.front().probe.push_back(point);
  }
  return study;
}

bool says(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

/// Of a file from before there was a probe pass.
TEST(ReportProbe, WhatWasNotMeasuredIsSaidToBeUnknown) {
  const StudyResult study = fixture::single_cell();
  ASSERT_TRUE(study.cells.front().probe.empty());
  EXPECT_TRUE(says(answer_sentence(study), "in-interrupt time only"));
  const Document document = build_document(study);
  EXPECT_TRUE(says(who_pays(document).paragraphs.back(), "was not measured"));
  EXPECT_EQ(who_pays(document).tables.size(), 1U);
  EXPECT_EQ(typical_probe(study.cells.front()), nullptr);
}

TEST(ReportProbe, TheAnswerAddsWhatComesAfterTheInterrupt) {
  StudyResult study = probed();
  CellResult& cell = study.cells.front();
  cell.a.stolen_ns.estimate = 100'000;
  cell.b.stolen_ns.estimate = 10'000;
  const std::string answer = answer_sentence(study);
  EXPECT_FALSE(says(answer, "in-interrupt time only"));
  EXPECT_TRUE(says(answer, "in interrupts")) << answer;
  EXPECT_TRUE(says(answer, "105 µs against 12.6 µs")) << answer;
  EXPECT_TRUE(says(answer, "512 pages"));
}

TEST(ReportProbe, EveryWorkingSetHasARowForEachKindOfVictim) {
  const StudyResult study = probed();
  const Table table = probe_table(study, study.cells.front());
  ASSERT_EQ(table.rows.size(), 6U);
  for (const Row& row : table.rows) EXPECT_EQ(row.cells.size(), table.columns.size());
  EXPECT_EQ(table.rows[2].cells[0].text, "512");
  EXPECT_EQ(table.rows[2].cells[1].text, "same CPU");
  EXPECT_EQ(table.rows[3].cells[1].text, "other CPUs");
  EXPECT_EQ(who_pays(build_document(study)).tables.size(), 2U);
}

std::vector<std::string> victims_of(const Table& table) {
  std::vector<std::string> victims;
  for (const Row& row : table.rows) {
    if (row.cells[0].text == "512") victims.push_back(row.cells[1].text);
  }
  return victims;
}

/// `study` with a control whose bystanders walked; all that it has of them is 42 us after A.
StudyResult with_bystanders(StudyResult study) {
  CellResult control = study.cells.front();
  control.plan.nr_responders = 0;
  control.plan.nr_bystanders = 1;
  for (ProbePoint& point : control.probe) {
    point.losses[0].bystanders_ns = {42'000, 41'000, 43'000};
    point.losses[1].bystanders_ns = {0, -10, 10};
    point.bystanders_walk_ns = 9000;
  }
  study.cells.push_back(control);
  return study;
}

TEST(ReportProbe, VictimsInAnotherProcessComeFromTheControlThatHasThem) {
  const StudyResult study = with_bystanders(probed());
  const CellResult& cell = study.cells.front();
  const Table table = probe_table(study, cell);
  EXPECT_EQ(victims_of(table),
            (std::vector<std::string>{"same CPU", "other CPUs", "another process"}));
  for (const Row& row : table.rows) {
    const bool theirs = row.cells[1].text == "another process";
    EXPECT_EQ(says(row.cells[2].text, "42.0 µs"), theirs) << row.cells[2].text;
  }
  const std::string text = probe_paragraph(study, cell);
  EXPECT_TRUE(says(text, "on the same CPU (the caller), on other CPUs of the process")) << text;
  EXPECT_TRUE(says(text, "in another process")) << text;
  EXPECT_TRUE(says(text, "R0+1, where none responds")) << text;

  const Document document = build_document(study);
  for (const std::string& rendered :
       {render_html(document, {}), render_markdown(document, ""), render_mail(document)}) {
    EXPECT_TRUE(says(rendered, "42.0")) << rendered;
  }
}

TEST(ReportProbe, ACellWithBystandersSpeaksOfItsOwn) {
  const StudyResult study = with_bystanders(probed());
  const CellResult& control = study.cells.back();
  EXPECT_EQ(victims_of(probe_table(study, control)),
            (std::vector<std::string>{"same CPU", "another process"}));
  EXPECT_FALSE(says(probe_paragraph(study, control), "none responds"));
}

/// Of an earlier release, whose bystanders did not walk; or of another shape.
TEST(ReportProbe, NothingIsSaidOfBystandersThatDidNotWalk) {
  StudyResult study = with_bystanders(probed());
  study.cells.back().plan.shape.nr_vmas += 1;
  StudyResult early = with_bystanders(probed());
  early.cells.back().probe = early.cells.front().probe;
  for (const StudyResult* of : {&study, &early}) {
    const CellResult& cell = of->cells.front();
    EXPECT_EQ(victims_of(probe_table(*of, cell)),
              (std::vector<std::string>{"same CPU", "other CPUs"}));
    EXPECT_FALSE(says(probe_paragraph(*of, cell), "another process"));
  }
}

TEST(ReportProbe, TheSummaryHasThemWhereTheyWalked) {
  const nlohmann::json summary = summary_json(with_bystanders(probed()));
  const auto& with = summary.at("cells").at(1).at("probe").at(0);
  EXPECT_EQ(with.at("a").at("bystanders_ns").at("estimate"), 42'000);
  EXPECT_EQ(with.at("bystanders_walk_ns"), 9000);
  const auto& without = summary.at("cells").at(0).at("probe").at(0);
  EXPECT_FALSE(without.at("a").contains("bystanders_ns"));
  EXPECT_FALSE(without.contains("bystanders_walk_ns"));
}

TEST(ReportProbe, TheTableOfEveryCellSaysWhichOfThemAreNotKnown) {
  StudyResult study = fixture::study(2);
  const auto last_cells = [&] {
    std::string text;
    for (const Row& row : who_pays_everywhere(study, Labels(study)).rows) {
      text += row.cells.back().text + "\n";
    }
    return text;
  };
  EXPECT_FALSE(says(last_cells(), "page"));
  EXPECT_TRUE(says(last_cells(), "unknown"));
  for (CellResult& cell : study.cells) cell.probe = probed().cells.front().probe;
  EXPECT_TRUE(says(last_cells(), "5.12 µs, 512 pages\n2.56 µs, 512 pages\n")) << last_cells();
  EXPECT_FALSE(says(last_cells(), "unknown"));
}

TEST(ReportProbe, WithoutResponderTheCallerIsTheOnlyVictim) {
  StudyResult study = probed();
  study.cells.front().plan.nr_responders = 0;
  const Table table = probe_table(study, study.cells.front());
  EXPECT_EQ(victims_of(table), std::vector<std::string>{"same CPU"});
  for (const Row& row : table.rows) EXPECT_EQ(row.cells.size(), table.columns.size());
  EXPECT_FALSE(says(probe_paragraph(study, study.cells.front()), "responder"));
}

TEST(ReportProbe, ASmallMachineSpeaksOfTheSetThatItHas) {
  StudyResult study = probed();
  CellResult& cell = study.cells.front();
  cell.probe.erase(cell.probe.begin() + 1, cell.probe.end());
  EXPECT_EQ(typical_probe(cell)->nr_pages, 64U);
  cell.probe.front().nr_pages = 2048;
  EXPECT_EQ(typical_probe(cell)->nr_pages, 2048U);
}

}  // namespace
}  // namespace tlblab::report
