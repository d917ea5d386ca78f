// SPDX-License-Identifier: GPL-2.0-only
// "Is it correct?" in a report: of a check alone, and beside a study.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/check_fixture.hh"
#include "tests/unit/report_checks.hh"
#include "tests/unit/report_fixture.hh"
#include "user/report/document/builder.hh"
#include "user/report/render/html.hh"
#include "user/report/render/mail.hh"
#include "user/report/render/markdown.hh"

namespace tlblab::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// All three forms.
std::vector<std::string> forms_of(const Document& document) {
  return {render_html(document, {}), render_markdown(document, ""),
          checks::on_one_line(render_mail(document))};
}

TEST(ReportCheck, EveryFormHoldsFaultsVerdictsAndBounds) {
  for (const std::string& form :
       forms_of(build_document(analyse_check(tlblab::fixture::clean_check())))) {
    EXPECT_THAT(form, AllOf(HasSubstr("Is it correct?"), HasSubstr("no-flush"),
                            HasSubstr("caught in 100 of 400 rounds"), HasSubstr("per-vma,exact"),
                            HasSubstr("eligible reads")));
    EXPECT_THAT(form, HasSubstr("clean: every planted fault was caught"));
    EXPECT_THAT(form, HasSubstr("Invented CPU 9000"));
    EXPECT_THAT(form, HasSubstr("0.8")) << "the bound: 1 - 0.05^(1/390), in per cent";
  }
}

TEST(ReportCheck, EffortStandsBehindEachVerdict) {
  const Document document = build_document(analyse_check(tlblab::fixture::clean_check()));
  const Table& effort = document.sections.front().tables.back();
  EXPECT_EQ(effort.caption, "Effort");
  ASSERT_EQ(effort.rows.size(), 4U);
  EXPECT_EQ(effort.rows[0].cells[0].text, "unmap:merged with no-flush, 1 initiator");
  EXPECT_EQ(effort.rows[1].cells[1].text, "400");
  EXPECT_EQ(effort.rows[1].cells[2].text, "390");
}

TEST(ReportCheck, AViolationIsLoudAndNamesWhatWasRead) {
  const Document document = build_document(analyse_check(tlblab::fixture::leaking_check()));
  EXPECT_THAT(document.answer, HasSubstr("VIOLATION"));
  for (const std::string& form : forms_of(document)) {
    EXPECT_THAT(form, HasSubstr("LEAK in 2 of 400 rounds"));
    EXPECT_THAT(form, HasSubstr("round 18, CPU 3, page 0x7f0000001000"));
  }
  const Table& verdicts = document.sections.front().tables.at(1);
  EXPECT_EQ(verdicts.rows.at(0).cells.at(1).tone, Tone::kAlarm);
  EXPECT_EQ(verdicts.rows.at(0).cells.at(2).tone, Tone::kPlain);
}

TEST(ReportCheck, AFaultThatEscapesLeavesNoVerdict) {
  records::CheckFile file = tlblab::fixture::clean_check();
  file.cells = {tlblab::fixture::faulty_cell("no-flush", Load::kOneInitiator, 0)};
  const Document document = build_document(analyse_check(file));
  EXPECT_THAT(document.answer, HasSubstr("VOID"));
  EXPECT_THAT(render_mail(document), Not(HasSubstr("Verdicts")));
}

TEST(ReportCheck, ShowsNoTimeUnderEmulation) {
  records::CheckFile file = tlblab::fixture::leaking_check();
  EXPECT_FALSE(checks::times(render_mail(build_document(analyse_check(file)))).empty());
  file.header.machine.virtualization.kind = MachineKind::kEmulated;
  file.header.setting.seconds = 0;
  file.header.setting.rounds = 400;
  const std::string mail = render_mail(build_document(analyse_check(file)));
  EXPECT_TRUE(checks::times(mail).empty()) << mail;
}

TEST(ReportCheck, StandsInAStudysReport) {
  const StudyResult study = fixture::study(2);
  const std::vector<CheckResult> checks{analyse_check(tlblab::fixture::clean_check())};
  const Document document = build_document(study, checks);
  const auto at = std::find_if(document.sections.begin(), document.sections.end(),
                               [](const Section& section) { return section.id == "correct"; });
  ASSERT_NE(at, document.sections.end());
  EXPECT_TRUE(at->in_mail);
  EXPECT_EQ(document.answer, build_document(study).answer) << "the study's answer stays";
  EXPECT_EQ(document.sections.size(), build_document(study).sections.size() + 1);
}

TEST(ReportCheck, CarriesNoAttackThrough) {
  records::CheckFile file = tlblab::fixture::leaking_check();
  const std::string hostile(fixture::kHostile);
  file.header.machine.cpu_model = hostile;
  file.header.setting.faulty_scheme = hostile;
  for (CheckedCell& cell : file.cells) cell.scheme = cell.fault_meaning = hostile;
  const Document document = build_document(analyse_check(file));
  EXPECT_TRUE(checks::foreign_parts(render_html(document, {})).empty());
  EXPECT_TRUE(checks::ragged_rows(render_markdown(document, "")).empty());
  EXPECT_TRUE(checks::long_lines(render_mail(document), kMailColumns).empty());
}

}  // namespace
}  // namespace tlblab::report
