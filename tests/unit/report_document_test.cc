// SPDX-License-Identifier: GPL-2.0-only
// What a report says: every cell, losing ones too, and nothing that was not measured.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/unit/report_checks.hh"
#include "tests/unit/report_fixture.hh"
#include "user/report/document/builder.hh"
#include "user/report/document/caveats.hh"
#include "user/report/document/tables.hh"
#include "user/report/render/mail.hh"

namespace tlblab::report {
namespace {

const Section* find(const Document& document, const std::string& id) {
  for (const Section& section : document.sections) {
    if (section.id == id) return &section;
  }
  return nullptr;
}

std::size_t nr_rows(const std::vector<Table>& tables) {
  std::size_t rows = 0;
  for (const Table& table : tables) rows += table.rows.size();
  return rows;
}

const CellResult& cell_at(const StudyResult& study, const Shape& shape, unsigned nr_responders) {
  return *std::find_if(study.cells.begin(), study.cells.end(), [&](const CellResult& cell) {
    return cell.plan.shape == shape && cell.plan.nr_responders == nr_responders;
  });
}

/// All text of a document, a line each.
std::string all_text(const Document& document) {
  std::string out = document.answer + "\n";
  for (const std::string& notice : document.notices) out += notice + "\n";
  for (const Fact& fact : document.facts) {
    out += fact.label + " " + fact.value + " " + fact.note + "\n";
  }
  for (const Section& section : document.sections) {
    out += section.title + "\n" + section.command + "\n";
    for (const std::string& text : section.paragraphs) out += text + "\n";
    for (const Table& table : section.tables) {
      for (const Row& row : table.rows) {
        for (const TextCell& cell : row.cells) out += cell.text + "\n";
      }
    }
  }
  return out;
}

TEST(ReportDocument, EveryCellHasARow) {
  const StudyResult study = fixture::study(8);
  const Document document = build_document(study);
  const std::size_t controls = find(document, "controls")->tables.front().rows.size();
  EXPECT_EQ(controls, 1U);
  EXPECT_EQ(nr_rows(find(document, "cells")->tables) + controls, study.cells.size());
  for (const Table& table : find(document, "cells")->tables) {
    for (const Row& row : table.rows) EXPECT_EQ(row.cells.size(), table.columns.size());
  }
}

TEST(ReportDocument, RowsAndColumnsAgreeInEveryTable) {
  for (const StudyResult& study : {fixture::study(2), fixture::emulated(), fixture::empty()}) {
    for (const Section& section : build_document(study).sections) {
      for (const Table& table : section.tables) {
        for (const Row& row : table.rows) {
          EXPECT_EQ(row.cells.size(), table.columns.size()) << section.id;
        }
      }
    }
  }
}

TEST(ReportDocument, ALosingCellIsAsLoudAsAWinningOne) {
  const StudyResult study = fixture::study(8);
  const TextCell wins = verdict_cell(cell_at(study, {16, 4, 1}, 1));
  const TextCell loses = verdict_cell(cell_at(study, {1, 16, 1}, 1));
  EXPECT_EQ(wins.text, "different: B faster");
  EXPECT_EQ(wins.tone, Tone::kArmB);
  EXPECT_EQ(loses.text, "different: A faster");
  EXPECT_EQ(loses.tone, Tone::kArmA);
}

TEST(ReportDocument, TheTallyCountsEveryVerdict) {
  const StudyResult study = fixture::study(8);
  const auto nr = [&](auto&& matches) {
    return std::to_string(
        std::count_if(study.cells.begin(), study.cells.end(), [&](const CellResult& cell) {
          return cell.plan.role == CellRole::kCompare && matches(cell);
        }));
  };
  using statistics::Verdict;
  const std::string b = nr([](const CellResult& cell) {
    return cell.verdict == Verdict::kDifferent && cell.ratio.estimate > 1;
  });
  const std::string a = nr([](const CellResult& cell) {
    return cell.verdict == Verdict::kDifferent && cell.ratio.estimate < 1;
  });
  const Document document = build_document(study);
  const std::string tally = find(document, "cells")->paragraphs.front();
  EXPECT_NE(tally.find("B faster in " + b + ","), std::string::npos) << tally;
  EXPECT_NE(tally.find("A faster in " + a + ","), std::string::npos) << tally;
  EXPECT_NE(tally.find("inconclusive in 1, void in 1."), std::string::npos) << tally;
}

TEST(ReportDocument, UnknownIsNeverZero) {
  StudyResult study = fixture::single_cell();
  CellResult& cell = study.cells.front();
  cell.b.responder_counts.clear();
  EXPECT_FALSE(interrupts_of(cell, cell.b).has_value());
  EXPECT_TRUE(interrupts_of(cell, cell.a).has_value());
  cell.per_interrupt_ns.reset();
  cell.interrupts_source.clear();
  const Table table = cells_tables(study, Labels(study)).front();
  const auto column = std::find_if(table.columns.begin(), table.columns.end(), [](const Column& c) {
    return c.title == "per interrupt avoided";
  });
  const auto at = static_cast<std::size_t>(column - table.columns.begin());
  EXPECT_EQ(table.rows.front().cells.at(at).text, "unknown");
}

TEST(ReportDocument, EveryCellSaysHowFarItsRespondersAre) {
  StudyResult study = fixture::many_responders();
  const auto column_of = [](const Table& table) {
    const auto at = std::find_if(table.columns.begin(), table.columns.end(),
                                 [](const Column& column) { return column.title == "distance"; });
    EXPECT_NE(at, table.columns.end()) << table.caption;
    std::set<std::string> texts;
    for (const Row& row : table.rows) {
      texts.insert(row.cells.at(static_cast<std::size_t>(at - table.columns.begin())).text);
    }
    return texts;
  };
  const std::set<std::string> wanted = {"no responder",
                                        "same L3 cache",
                                        "1 same L3 cache, 1 other node",
                                        "1 same L3 cache, 3 other node",
                                        "1 same L3 cache, 7 other node",
                                        "1 same L3 cache, 15 other node",
                                        "1 same L3 cache, 30 other node"};
  EXPECT_EQ(column_of(cells_tables(study, Labels(study)).front()), wanted);
  EXPECT_EQ(column_of(counts_tables(study, Labels(study)).front()), wanted);
  study.cells.front().plan.role = CellRole::kSame;
  EXPECT_EQ(column_of(controls_table(study, Labels(study))), std::set<std::string>{"no responder"});

  study.cells.back().distances = {{31, "unknown"}};
  const auto contains = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  for (const bool emulated : {false, true}) {
    study.emulated = emulated;
    const std::string mail = checks::on_one_line(render_mail(build_document(study)));
    EXPECT_TRUE(contains(mail, "R2: 1 same L3 cache, 1 other node; R4: 1 same"));
    EXPECT_TRUE(contains(mail, "R31: unknown."));
    EXPECT_TRUE(contains(mail, "31 responders, distance: 1 same L3 cache, 30 other node"));
    EXPECT_TRUE(contains(mail, "distance: 1 same L3 cache, 30 other node (of the responders"));
  }
}

TEST(ReportDocument, ExtentNote) {
  StudyResult study = fixture::single_cell();
  EXPECT_EQ(extent_note(study, study.cells.front()), "4 / 79, differ, B past the ceiling of 33");
  study.flush_ceiling_pages = 0;
  EXPECT_EQ(extent_note(study, study.cells.front()), "4 / 79, differ");
  study.cells.front().b.extent_pages = 4;
  EXPECT_EQ(extent_note(study, study.cells.front()), "4 / 4");
  study.cells.front().a.extent_pages.reset();
  EXPECT_EQ(extent_note(study, study.cells.front()), "unknown / 4");
}

TEST(ReportDocument, AContradictionInTheAccountIsNamed) {
  StudyResult study = fixture::single_cell();
  CellResult& cell = study.cells.front();
  EXPECT_EQ(account_verdict(cell).text, "adds up");
  cell.a.initiator_counts["tlb_flush.local_mm"] = {17, 17, 17, 64};
  EXPECT_EQ(account_verdict(cell).text.rfind("contradiction: ", 0), 0U);
  EXPECT_EQ(account_verdict(cell).tone, Tone::kAlarm);
}

TEST(ReportDocument, AFailedControlIsLoud) {
  StudyResult study = fixture::study(8);
  study.cells.back().verdict = statistics::Verdict::kDifferent;
  const TextCell cell = controls_table(study, Labels(study)).rows.front().cells.at(3);
  EXPECT_NE(cell.text.find("the arms are one"), std::string::npos);
  EXPECT_EQ(cell.tone, Tone::kAlarm);
}

TEST(ReportDocument, OneSessionSaysInThisSession) {
  const auto says = [](const StudyResult& study, const std::string& text) {
    return all_text(build_document(study)).find(text) != std::string::npos;
  };
  EXPECT_TRUE(says(fixture::single_cell(), "holds in this session"));
  EXPECT_TRUE(says(fixture::study(2), "holds in these 2 sessions, over 7 min, one boot"));
  EXPECT_FALSE(says(fixture::study(8), "A claim about the machine needs"));
}

/// The line with that label.
std::string caveat(const StudyResult& study, const std::string& label) {
  for (const Fact& line : caveats(study)) {
    if (line.label == label) return line.value;
  }
  return "no such line";
}

// Each doubt is planted, and its line must say so.
TEST(ReportDocument, EveryCaveatSpeaksWhenItMust) {
  StudyResult calm = fixture::study(8);
  calm.controls_pass = true;
  calm.flush_ceiling_pages = 0;
  StudyResult study = calm;
  CellResult& cell = const_cast<CellResult&>(*headline(study));
  const auto says = [&](const std::string& label, const std::string& words) {
    EXPECT_EQ(caveat(calm, label).find(words), std::string::npos) << caveat(calm, label);
    EXPECT_NE(caveat(study, label).find(words), std::string::npos) << caveat(study, label);
  };
  cell.clusters = statistics::Clusters{{6, 5.42, 5.51}, {2, 5.88, 6.07}};
  cell.sessions.back().state = statistics::State::kWandering;
  says("sessions", "6 at 5.42×-5.51× and 2 at 5.88×-6.07×");
  says("sessions", "; 1 of 8 sessions wandered");
  study.control_stray = 0.04;
  study.controls_pass = false;
  says("A/A controls", "each claim had to clear that");
  cell.a.initiator_counts["tlb_flush.local_mm"] = {15, 15, 15, 64};
  says("account", "contradiction");
  cell.a.extent_pages = 4;
  cell.b.extent_pages = 34;
  study.flush_ceiling_pages = 33;
  says("flush extent", "B past the ceiling of 33");
  cell.outlasts_lead_in = true;
  says("left out", "outlasts the lead-in");
  study.trouble = {"neighbours"};
  study.lacks = {"an early file"};
  says("machine", "trouble seen before a run: neighbours; an early file");
}

TEST(ReportDocument, TheControlSplitsTheDifference) {
  StudyResult study = fixture::study(2);
  const Document document = build_document(study);
  const Section* section = find(document, "who-pays");
  ASSERT_EQ(section->paragraphs.size(), 3U);
  EXPECT_NE(section->paragraphs[1].find("remain with no responder"), std::string::npos);
  EXPECT_EQ(find(build_document(fixture::single_cell()), "who-pays")->paragraphs.size(), 2U)
      << "without an R = 0 cell there is nothing to split by";
}

TEST(ReportDocument, AnEmulatedStudyHoldsNoTime) {
  const std::string text = all_text(build_document(fixture::emulated()));
  EXPECT_TRUE(checks::times(text).empty()) << checks::times(text).front();
  EXPECT_NE(text.find("Emulated time is not time"), std::string::npos);
  EXPECT_NE(text.find("adds up"), std::string::npos) << "the verdict about counts is there";
  EXPECT_FALSE(checks::times(all_text(build_document(fixture::study(2)))).empty())
      << "the same text of a study that is not emulated has times";
}

TEST(ReportDocument, LabelsDropASharedEngineOnly) {
  StudyResult study = fixture::single_cell();
  EXPECT_EQ(Labels(study).scheme("syscall/munmap:merged"), "munmap:merged");
  study.cells.front().plan.b = "lab/unmap:merged";
  EXPECT_EQ(Labels(study).scheme("syscall/munmap:merged"), "syscall/munmap:merged");
}

TEST(ReportDocument, AnEmptyStudySaysSo) {
  const Document document = build_document(fixture::empty());
  EXPECT_TRUE(document.facts.empty());
  EXPECT_EQ(find(document, "cells"), nullptr);
  EXPECT_NE(all_text(document).find("No cell has a complete block"), std::string::npos);
  EXPECT_NE(find(document, "machine"), nullptr);
}

TEST(ReportDocument, ACellWithoutAUsableBlockClaimsNothing) {
  const Document document = build_document(fixture::nothing_usable());
  EXPECT_TRUE(document.facts.empty());
  EXPECT_EQ(find(document, "sessions"), nullptr);
  const Row& row = find(document, "cells")->tables.front().rows.front();
  EXPECT_EQ(row.cells.at(1).text, "void");
  EXPECT_EQ(row.cells.at(2).text, "n/a");
}

TEST(ReportDocument, OneSchemeAloneIsNoComparison) {
  const Document document = build_document(fixture::one_scheme());
  EXPECT_EQ(find(document, "cells"), nullptr);
  EXPECT_TRUE(find(document, "controls")->in_mail);
  EXPECT_EQ(document.facts.front().label, "latency");
  EXPECT_FALSE(find(build_document(fixture::study(2)), "controls")->in_mail);
}

TEST(ReportDocument, ForeignTextIsCleaned) {
  const std::string text = all_text(build_document(fixture::hostile()));
  for (char c : text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
}

}  // namespace
}  // namespace tlblab::report
