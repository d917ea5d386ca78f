// SPDX-License-Identifier: GPL-2.0-only
// Wrapping and aligning text.
#include <gtest/gtest.h>

#include "user/commands/layout.hh"

namespace tlblab {
namespace {

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

}  // namespace
}  // namespace tlblab
