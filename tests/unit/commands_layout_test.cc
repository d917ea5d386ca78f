// SPDX-License-Identifier: GPL-2.0-only
// Wrapping and aligning text, and the line of progress.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "user/commands/layout.hh"
#include "user/commands/progress_bar.hh"

namespace tlblab {
namespace {

using ::testing::HasSubstr;

TEST(Layout, BreaksAtBlanksAndIndents) {
  EXPECT_EQ(wrapped("one two three four", 2, 11), "one two\n  three\n  four");
  EXPECT_EQ(wrapped("one two", 2, 9), "one two");
  EXPECT_EQ(wrapped("", 4, 10), "");
  EXPECT_EQ(wrapped("  a   b  ", 0, 10), "a b");
}

TEST(Layout, LongWordsStayWhole) {
  EXPECT_EQ(wrapped("a incomprehensibilities b", 1, 8), "a\n incomprehensibilities\n b");
}

TEST(Layout, NamesAndValuesLineUp) {
  EXPECT_EQ(named_line("ab", "some value", 10, 20), "  ab      some value\n");
  EXPECT_EQ(named_line("ab", "some value", 10, 16), "  ab      some\n          value\n");
  EXPECT_EQ(named_line("longer than that", "v", 10, 30), "  longer than that  v\n");
}

TEST(Layout, ProgressFitsAnyTerminal) {
  const std::string text =
      "12/29, 4 min 10 s left  session 1: munmap:per-vma | munmap:merged  16x4+1 R1  123 blocks";
  for (std::size_t width = 0; width < 140; ++width) {
    const std::string line = progress_line(0.5, text, width);
    EXPECT_LE(line.size(), width == 0 ? 0 : width - 1) << width;
    EXPECT_THAT(line, HasSubstr(text.substr(0, width == 0 ? 0 : width - 1))) << width;
  }
  EXPECT_EQ(progress_line(0.5, "1/2", 80), "[============            ] 1/2");
  EXPECT_EQ(progress_line(0.5, "1/2", 15), "[====    ] 1/2");
  EXPECT_EQ(progress_line(0.5, "1/2", 14), "1/2");
}

}  // namespace
}  // namespace tlblab
