// SPDX-License-Identifier: GPL-2.0-only
// The three forms of a report carry the same content, and no form carries an attack through.
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/report_checks.hh"
#include "tests/unit/report_fixture.hh"
#include "user/report/document/answer.hh"
#include "user/report/document/builder.hh"
#include "user/report/document/caveats.hh"
#include "user/report/document/format.hh"
#include "user/report/draw/figures.hh"
#include "user/report/render/html.hh"
#include "user/report/render/mail.hh"
#include "user/report/render/markdown.hh"

namespace tlblab::report {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<StudyResult> every_kind() {
  return {fixture::study(8),          fixture::study(2),     fixture::single_cell(),
          fixture::many_responders(), fixture::emulated(),   fixture::nothing_usable(),
          fixture::empty(),           fixture::one_scheme(), fixture::hostile()};
}

std::string page_of(const StudyResult& study) {
  return render_html(build_document(study), draw_figures(study).on_page);
}
std::string markdown_of(const StudyResult& study, const std::string& figure) {
  return render_markdown(build_document(study), figure);
}
std::string mail_of(const StudyResult& study) { return render_mail(build_document(study)); }

/// A page whose numbers and units stand apart again, as tlblab wrote them.
std::string plain_page(const StudyResult& study) {
  constexpr std::string_view nbsp = "&nbsp;";
  std::string html = page_of(study);
  for (std::size_t at = html.find(nbsp); at != std::string::npos; at = html.find(nbsp, at)) {
    html.replace(at, nbsp.size(), " ");
  }
  return html;
}

/// Markdown without its backslashes, so that text can be looked for as it was written.
std::string unescaped(const std::string& markdown) {
  std::string out;
  for (std::size_t i = 0; i < markdown.size(); ++i) {
    if (markdown[i] == '\\' && i + 1 < markdown.size()) ++i;
    out += markdown[i];
  }
  return out;
}

/// Markdown without escaped characters: only markup that takes effect is left.
std::string unescaped_markup(const std::string& markdown) {
  std::string out;
  for (std::size_t i = 0; i < markdown.size(); ++i) {
    if (markdown[i] == '\\') {
      ++i;
    } else {
      out += markdown[i];
    }
  }
  return out;
}

/// Words that each form must hold of a study with all verdicts.
std::vector<std::string> must_hold(const StudyResult& study) {
  std::vector<std::string> parts{
      "different: B faster", "different: A faster", "equivalent", "inconclusive", "void",
      "virtual machine",     "Invented warning",    "--sessions"};
  for (const CellResult& cell : study.cells) {
    parts.push_back(cell.plan.shape.name() + " R" + std::to_string(cell.plan.nr_responders));
  }
  return parts;
}

TEST(ReportRender, EachFormHoldsTheAnswerEveryCellAndEveryVerdict) {
  const StudyResult study = fixture::study(8);
  const std::string answer = clean(answer_sentence(study));
  const std::string html = plain_page(study);
  const std::string markdown = unescaped(markdown_of(study, "figure.svg"));
  const std::string mail = checks::on_one_line(mail_of(study));
  EXPECT_TRUE(contains(html, html_escape(answer)));
  EXPECT_TRUE(contains(markdown, answer));
  EXPECT_TRUE(contains(mail, to_ascii(answer)));
  for (const std::string& part : must_hold(study)) {
    EXPECT_TRUE(contains(html, html_escape(part))) << part;
    EXPECT_TRUE(contains(markdown, part)) << part;
    EXPECT_TRUE(contains(mail, part)) << part;
  }
}

TEST(ReportRender, EachFormHoldsTheSixCaveats) {
  for (const StudyResult& study :
       {fixture::study(8), fixture::single_cell(), fixture::emulated()}) {
    const std::string html = plain_page(study);
    const std::string markdown = unescaped(markdown_of(study, "figure.svg"));
    const std::string mail = checks::on_one_line(mail_of(study));
    const std::vector<Fact> lines = caveats(study);
    EXPECT_EQ(lines.size(), 6U);
    for (const Fact& caveat : lines) {
      const std::string value = clean(caveat.value);
      EXPECT_TRUE(contains(html, html_escape(value))) << value;
      EXPECT_TRUE(contains(markdown, value)) << value;
      EXPECT_TRUE(contains(mail, caveat.label + ": " + to_ascii(value))) << value;
    }
  }
}

TEST(ReportRender, TheAnswerComesFirst) {
  const StudyResult study = fixture::study(2);
  const std::string html = page_of(study);
  EXPECT_LT(html.find("<h1>"), html.find("<h2>"));
  EXPECT_LT(html.find("<h1>"), html.find("<svg"));
  const std::string mail = checks::on_one_line(mail_of(study));
  EXPECT_EQ(mail.find(to_ascii(clean(answer_sentence(study)))), 0U);
}

TEST(ReportRender, TheCommandIsWholeInEachForm) {
  const StudyResult study = fixture::study(2);
  const std::string command = shell_command(study.command);
  EXPECT_TRUE(contains(markdown_of(study, ""), command));
  std::string mail = mail_of(study);
  for (std::size_t at = mail.find("\\\n"); at != std::string::npos; at = mail.find("\\\n", at)) {
    mail.erase(at, 2);
  }
  EXPECT_TRUE(contains(checks::on_one_line(mail), command));
}

TEST(ReportRender, NoMailLineIsTooLong) {
  for (const StudyResult& study : every_kind()) {
    const auto lines = checks::long_lines(mail_of(study), kMailColumns);
    EXPECT_TRUE(lines.empty()) << lines.front();
  }
}

TEST(ReportRender, MailIsAsciiWhereTlblabWritesIt) {
  for (char c : mail_of(fixture::study(8))) {
    ASSERT_LT(static_cast<unsigned char>(c), 0x80);
  }
}

TEST(ReportRender, ALongWordInAMailIsBrokenWithABackslash) {
  const std::string mail = mail_of(fixture::hostile());
  EXPECT_TRUE(contains(mail, "xxxx\\\n"));
}

TEST(ReportRender, HtmlLoadsAndRunsNothing) {
  for (const StudyResult& study : every_kind()) {
    const auto parts = checks::foreign_parts(page_of(study));
    EXPECT_TRUE(parts.empty()) << parts.front();
  }
}

TEST(ReportRender, HtmlIsBalancedAndItsIdsAreSound) {
  for (const StudyResult& study : every_kind()) {
    const std::string html = page_of(study);
    const auto open = checks::unbalanced(html);
    EXPECT_TRUE(open.empty()) << open.back();
    const auto ids = checks::bad_ids(html);
    EXPECT_TRUE(ids.empty()) << ids.front();
  }
}

TEST(ReportRender, HostileTextStaysText) {
  const StudyResult study = fixture::hostile();
  const std::string html = page_of(study);
  EXPECT_FALSE(contains(html, "<script"));
  EXPECT_TRUE(contains(html, "&lt;script&gt;"));
  std::string markdown = markdown_of(study, "");
  const std::size_t fence = markdown.find("```sh\n");
  ASSERT_NE(fence, std::string::npos);
  markdown.erase(fence, markdown.find("```", fence + 3) - fence);  // a command is shown as it was
  EXPECT_FALSE(contains(unescaped_markup(markdown), "<script"));
  EXPECT_TRUE(checks::ragged_rows(markdown).empty());
}

TEST(ReportRender, MarkdownTablesAreWhole) {
  for (const StudyResult& study : every_kind()) {
    const auto rows = checks::ragged_rows(markdown_of(study, "x.svg"));
    EXPECT_TRUE(rows.empty()) << rows.front();
  }
}

TEST(ReportRender, MarkdownShowsTheFigureItIsGiven) {
  EXPECT_TRUE(contains(markdown_of(fixture::study(2), "a b.svg"), "](<a b.svg>)"));
  EXPECT_FALSE(contains(markdown_of(fixture::study(2), ""), "!["));
}

TEST(ReportRender, AnEmulatedStudyShowsNoTimeInAnyForm) {
  const StudyResult study = fixture::emulated();
  for (const std::string& text : {plain_page(study), markdown_of(study, "x.svg"), mail_of(study)}) {
    const auto times = checks::times(text);
    EXPECT_TRUE(times.empty()) << times.front();
    EXPECT_TRUE(contains(checks::on_one_line(text), "Emulated time is not time"));
  }
}

TEST(ReportRender, WhyNothingIsDrawnIsSaidOnce) {
  StudyResult study = fixture::emulated();
  for (CellResult& cell : study.cells) cell.interrupts_source.clear();
  const std::string html = page_of(study);
  const std::string excuse = "Interrupts are not shown";
  const std::size_t first = html.find(excuse);
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(html.find(excuse, first + 1), std::string::npos);
  EXPECT_FALSE(contains(html, "<figure"));
}

TEST(ReportRender, ANumberIsNotPartedFromItsUnit) {
  const std::string html = page_of(fixture::single_cell());
  EXPECT_TRUE(contains(html, "&nbsp;µs"));
  EXPECT_TRUE(contains(html, "95&nbsp;%"));
  EXPECT_FALSE(contains(html, "1&nbsp;session"));
}

TEST(ReportRender, TablesHaveHeadersForReadersAloud) {
  const std::string html = page_of(fixture::study(2));
  EXPECT_TRUE(contains(html, "<html lang=\"en\">"));
  EXPECT_TRUE(contains(html, "<th scope=\"col\""));
  EXPECT_TRUE(contains(html, "<th scope=\"row\""));
  EXPECT_TRUE(contains(html, "prefers-color-scheme: dark"));
  EXPECT_TRUE(contains(html, "name=\"viewport\""));
}

}  // namespace
}  // namespace tlblab::report
