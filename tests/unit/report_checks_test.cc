// SPDX-License-Identifier: GPL-2.0-only
// The checks of a rendered report notice a fault when there is one.
#include "tests/unit/report_checks.hh"

#include <gtest/gtest.h>

namespace tlblab::report::checks {
namespace {

TEST(ReportChecks, LongLine) {
  EXPECT_TRUE(long_lines(std::string(72, 'x') + "\n", 72).empty());
  EXPECT_EQ(long_lines("ok\n" + std::string(73, 'x') + "\n", 72).size(), 1U);
  std::string wide;
  for (int i = 0; i < 72; ++i) wide += "µ";  // two bytes, one column
  EXPECT_TRUE(long_lines(wide, 72).empty());
}

TEST(ReportChecks, Time) {
  for (const char* text : {"12 ns", "4.5 µs", "3us", "1.0 ms", "5.1 s", "5.04×", "2x [1, 3]"}) {
    EXPECT_EQ(times(text).size(), 1U) << text;
  }
  EXPECT_TRUE(times("2 sessions, 16x4+1 R1, 16 / 1, width:0.8rem").empty());
}

TEST(ReportChecks, ForeignPart) {
  for (const char* html : {"<img src=x>", "<SCRIPT>", "url(x)", "<a href=\"https://x\">",
                           "<p onclick=\"x\">", "<link rel=x>"}) {
    EXPECT_FALSE(foreign_parts(html).empty()) << html;
  }
  EXPECT_TRUE(foreign_parts("<a href=\"#x\">&lt;script&gt;</a>").empty());
}

TEST(ReportChecks, Ids) {
  EXPECT_EQ(bad_ids("<p id='a'></p><p id=\"a\"></p>").size(), 1U);
  EXPECT_EQ(bad_ids("<use href='#b'/>").size(), 1U);
  EXPECT_TRUE(bad_ids("<p id='a'></p><use href='#a'/>").empty());
}

TEST(ReportChecks, Balance) {
  EXPECT_TRUE(unbalanced("<p>x<br/></p>").empty());
  EXPECT_FALSE(unbalanced("<p><b></p></b>").empty());
  EXPECT_FALSE(unbalanced("<table>").empty());
}

TEST(ReportChecks, RaggedRow) {
  EXPECT_TRUE(ragged_rows("| a | b |\n| --- | --- |\n| x\\|y | z |\n").empty());
  EXPECT_EQ(ragged_rows("| a | b |\n| --- | --- |\n| x|y | z |\n").size(), 1U);
}

}  // namespace
}  // namespace tlblab::report::checks
