// SPDX-License-Identifier: GPL-2.0-only
// What victims lose after the window: said where it was measured, and said to be unknown elsewhere.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/report_fixture.hh"
#include "user/report/document/answer.hh"
#include "user/report/document/builder.hh"
#include "user/report/document/probe.hh"

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
    point.losses[0] = {{700, 600, 800}, {10.0 * static_cast<double>(pages), 1, 99999}};
    point.losses[1] = {{70, 60, 80}, {5.0 * static_cast<double>(pages), 1, 99999}};
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

TEST(ReportProbe, EveryWorkingSetHasARowForEachArm) {
  const StudyResult study = probed();
  const Table table = probe_table(study.cells.front(), Labels(study));
  ASSERT_EQ(table.rows.size(), 6U);
  for (const Row& row : table.rows) EXPECT_EQ(row.cells.size(), table.columns.size());
  EXPECT_EQ(table.rows[2].cells.front().text, "512 pages");
  EXPECT_EQ(who_pays(build_document(study)).tables.size(), 2U);
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
  const Table table = probe_table(study.cells.front(), Labels(study));
  for (const Column& column : table.columns) EXPECT_FALSE(says(column.title, "responder"));
  EXPECT_EQ(table.rows.size(), 6U);
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
