// SPDX-License-Identifier: GPL-2.0-only
// The processor's counters in reports: on every page, each missing one with its reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/report_checks.hh"
#include "tests/unit/report_fixture.hh"
#include "user/report/document/builder.hh"
#include "user/report/render/html.hh"
#include "user/report/render/mail.hh"
#include "user/report/render/markdown.hh"

namespace tlblab::report {
namespace {

using testing::HasSubstr;
using testing::Not;

/// One cell with R responders, in which an invented Intel counted some, not all.
StudyResult counted(unsigned nr_responders) {
  StudyResult study = fixture::single_cell();
  study.counters_missing = {{"dtlb_l1_misses", "invented: no such event"},
                            {"dtlb_walk_cycles", "invented: no such event"},
                            {"itlb_walks", "invented: another reason"},
                            {"ipi_send_cpu", "invented: no tracefs"}};
  study.counters = {{"dtlb_load_walks", "skl::DTLB_LOAD_MISSES:WALK_COMPLETED, 0xe08"},
                    {"dtlb_load_walk_cycles", "skl::DTLB_LOAD_MISSES:WALK_ACTIVE, 0x1001008"},
                    {"page-faults", "software"}};
  CellResult& cell = study.cells.front();
  cell.plan.nr_responders = nr_responders;
  cell.a.initiator_counts["dtlb_load_walks"] = {123.4, 100, 150, 21};
  cell.b.initiator_counts["dtlb_load_walks"] = {7, 7, 7, 21};
  cell.a.initiator_counts["dtlb_load_walk_cycles"] = {4321, 4000, 5000, 21};
  cell.a.responder_spread["dtlb_load_walks"] = {11, 12, 46, nr_responders};
  cell.b.responder_spread["dtlb_load_walks"] = {0, 0, 0, nr_responders};
  return study;
}

const Section& tlbs(const Document& document) {
  for (const Section& section : document.sections) {
    if (section.id == "tlbs") return section;
  }
  throw std::runtime_error("no section of TLBs");
}

/// "label / on: A / B" of each row.
std::vector<std::string> rows(const Section& section) {
  std::vector<std::string> lines;
  for (const Row& row : section.tables.front().rows) {
    lines.push_back(row.cells[0].text + " / " + row.cells[1].text + ": " + row.cells[2].text +
                    " / " + row.cells[3].text);
  }
  return lines;
}

TEST(ReportTlbs, BothSidesAndWhatNobodyCounted) {
  const Document document = build_document(counted(1));
  EXPECT_THAT(rows(tlbs(document)),
              testing::ElementsAre("dTLB walks completed, loads / initiator: 123 / 7.00",
                                   "dTLB walks completed, loads / responder: 12.0 / 0",
                                   "dTLB walk cycles, loads / initiator: 4321 / unknown",
                                   "dTLB walk cycles, loads / responder: unknown / unknown"));
  const std::string& event = tlbs(document).tables.front().rows[0].cells[4].text;
  EXPECT_EQ(event, "skl::DTLB_LOAD_MISSES:WALK_COMPLETED, 0xe08");
}

TEST(ReportTlbs, OfManyRespondersTheMedianAndTheEnds) {
  EXPECT_THAT(rows(tlbs(build_document(counted(31)))),
              testing::Contains(
                  "dTLB walks completed, loads / responder: 12.0 (11.0 to 46.0) / 0 (0 to 0)"));
}

TEST(ReportTlbs, EveryFormHasThemAndTheReasons) {
  const Document document = build_document(counted(3));
  for (const std::string& text :
       {render_html(document, {}), render_markdown(document, ""), render_mail(document)}) {
    EXPECT_THAT(text, HasSubstr("What the TLBs did"));
    EXPECT_THAT(text, HasSubstr("dTLB walks completed, loads"));
    EXPECT_THAT(text, HasSubstr("another reason"));
  }
  const std::string mail = render_mail(document);
  EXPECT_TRUE(checks::long_lines(mail, 72).empty());
  EXPECT_THAT(mail, HasSubstr("Not counted: dTLB L1 misses; dTLB walk cycles."));
  EXPECT_THAT(mail, Not(HasSubstr("no tracefs"))) << "not of a TLB";
}

// Such as a profiler that took the counters after the run had looked.
TEST(ReportTlbs, WhatCouldBeCountedAndNeverWasIsMissingToo) {
  StudyResult study = counted(1);
  study.counters["itlb_l2_hits"] = "skl::ITLB_MISSES:STLB_HIT, 0x2085";
  EXPECT_THAT(render_mail(build_document(study)),
              HasSubstr("Not counted: iTLB L1 misses, L2 hits"));
}

TEST(ReportTlbs, TheProbeShowsWhatTheOperationAdded) {
  StudyResult study = counted(1);
  ProbePoint point;
  point.nr_pages = 512;
  point.counts[0][0].initiator["dtlb_load_walks"] = {10, 10, 10, 8};
  point.counts[0][1].initiator["dtlb_load_walks"] = {30, 30, 30, 8};
  point.counts[0][0].spread["dtlb_load_walks"] = {4, 5, 6, 1};
  point.counts[0][1].spread["dtlb_load_walks"] = {4, 3, 6, 1};
  study.cells.front().probe = {point};
  const Section section = tlbs(build_document(study));
  ASSERT_EQ(section.tables.size(), 2U);
  EXPECT_THAT(section.tables[1].caption, HasSubstr("512 pages"));
  const std::vector<Row>& rows = section.tables[1].rows;
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].cells[2].text, "+20.0");
  EXPECT_EQ(rows[0].cells[3].text, "unknown");
  EXPECT_EQ(rows[1].cells[2].text, "\u22122.00") << "fewer";
}

TEST(ReportTlbs, UserModeAloneIsSaid) {
  StudyResult study = counted(1);
  EXPECT_THAT(tlbs(build_document(study)).paragraphs.front(),
              HasSubstr("in user mode and in the kernel"));
  study.counters["dtlb_load_walks"] += ", of one thread in user mode";
  EXPECT_THAT(tlbs(build_document(study)).paragraphs.front(), HasSubstr("in user mode only"));
}

TEST(ReportTlbs, WithoutACounterTheReasonsStand) {
  const Document document = build_document(fixture::single_cell());
  EXPECT_TRUE(tlbs(document).tables.empty());
  EXPECT_THAT(render_mail(document), HasSubstr("no PMU in this invented guest"));
}

TEST(ReportTlbs, CoreTypesStandApart) {
  StudyResult study = counted(1);
  study.cells.front().a.initiator_counts["dtlb_load_walks@cpu_atom"] = {5, 5, 5, 21};
  EXPECT_THAT(rows(tlbs(build_document(study))),
              testing::Contains("dTLB walks completed, loads (cpu_atom) / initiator: 5.00 / "
                                "unknown"));
}

TEST(ReportTlbs, EveryCellHasARowForEachSide) {
  StudyResult study = fixture::study(2);
  for (CellResult& cell : study.cells) cell.a.initiator_counts["dtlb_walks"] = {1, 1, 1, 2};
  const Section section = tlbs(build_document(study));
  ASSERT_EQ(section.tables.size(), 2U);
  std::size_t expected = 0;
  for (const CellResult& cell : study.cells) {
    if (cell.plan.role == CellRole::kCompare) expected += cell.plan.nr_responders > 0 ? 4 : 2;
  }
  EXPECT_EQ(section.tables[1].rows.size(), expected);
}

}  // namespace
}  // namespace tlblab::report
