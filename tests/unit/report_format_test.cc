// SPDX-License-Identifier: GPL-2.0-only
// Numbers and text as the reports write them.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "user/report/document/format.hh"

namespace tlblab::report {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(ReportFormat, DurationsHaveThreeDigitsAndTheUnitThatFits) {
  EXPECT_EQ(duration(0), "0 ns");
  EXPECT_EQ(duration(7.25), "7.25 ns");
  EXPECT_EQ(duration(999.4), "999 ns");
  EXPECT_EQ(duration(999.6), "1.00 µs");
  EXPECT_EQ(duration(43600), "43.6 µs");
  EXPECT_EQ(duration(205000), "205 µs");
  EXPECT_EQ(duration(1.234e6), "1.23 ms");
  EXPECT_EQ(duration(2e9), "2.00 s");
  EXPECT_EQ(duration(45e12), "45 000 s");
  EXPECT_EQ(duration(-43600), "−43.6 µs");
  EXPECT_EQ(duration_signed(43600), "+43.6 µs");
  EXPECT_EQ(duration_signed(-1), "−1.00 ns");
}

TEST(ReportFormat, WhatIsNotFiniteIsSaidToBe) {
  EXPECT_EQ(duration(std::nan("")), "n/a");
  EXPECT_EQ(ratio(kInfinity), "n/a");
  EXPECT_EQ(percent(std::nan("")), "n/a");
  EXPECT_EQ(p_value(std::nan("")), "n/a");
  EXPECT_EQ(significant(-kInfinity), "n/a");
  EXPECT_EQ(change(std::nan("")), "n/a");
  EXPECT_EQ(ratio_interval({std::nan(""), 1, 2}), "n/a");
  EXPECT_EQ(duration_interval_signed({std::nan(""), 1, 2}), "n/a");
}

TEST(ReportFormat, IntervalsShareUnitAndDigits) {
  EXPECT_EQ(duration_interval({161e3, 158e3, 164e3}), "161 µs [158, 164]");
  EXPECT_EQ(duration_interval({9.8e5, 9.5e5, 1.01e6}), "980 µs [950, 1010]");
  EXPECT_EQ(ratio_interval({5.04, 4.912, 5.17}), "5.04× [4.91, 5.17]");
  EXPECT_EQ(duration_interval_signed({-1220, -1290, -1160}), "−1.22 µs [−1.29, −1.16]");
}

TEST(ReportFormat, NarrowIntervalsGetOneDigitMore) {
  EXPECT_EQ(ratio_interval({4.507, 4.501, 4.513}), "4.507× [4.501, 4.513]");
  EXPECT_EQ(ratio_interval({4.507, 4.5069, 4.5071}), "4.507× [4.507, 4.507]");
}

TEST(ReportFormat, AWideIntervalTakesDigitsFromTheEstimate) {
  EXPECT_EQ(duration_interval_signed({0.253, -50.732, 51.238}), "+0.3 ns [−50.7, 51.2]");
}

TEST(ReportFormat, AnUnclaimedIntervalIsNotInvented) {
  EXPECT_EQ(ratio_interval({4.5, -kInfinity, kInfinity}), "4.50× (no interval)");
  EXPECT_EQ(duration_interval({4.5e3, -kInfinity, kInfinity}), "4.50 µs (no interval)");
}

TEST(ReportFormat, Counts) {
  EXPECT_EQ(count(0), "0");
  EXPECT_EQ(count(9999), "9999");
  EXPECT_EQ(count(31740), "31 740");
  EXPECT_EQ(count(1234567), "1 234 567");
  EXPECT_EQ(significant(15.87), "15.9");
  EXPECT_EQ(significant(0), "0");
  EXPECT_EQ(significant(0.0123), "0.0123");
  EXPECT_EQ(plural(1, "page"), "1 page");
  EXPECT_EQ(plural(0, "page"), "0 pages");
}

TEST(ReportFormat, Shares) {
  EXPECT_EQ(percent(0.05), "5 %");
  EXPECT_EQ(percent(0.0123), "1.2 %");
  EXPECT_EQ(percent(0.00012), "0.01 %");
  EXPECT_EQ(percent(1.87), "187 %");
  EXPECT_EQ(change(1.083), "+8.3 %");
  EXPECT_EQ(change(0.96), "−4 %");
  EXPECT_EQ(p_value(1e-9), "< 0.001");
  EXPECT_EQ(p_value(0.0341), "0.034");
  EXPECT_EQ(p_value(1), "1.00");
}

TEST(ReportFormat, TicksTellNeighboursApart) {
  EXPECT_EQ(tick_duration(204500, 500), "204.5 µs");
  EXPECT_EQ(tick_duration(200000, 100000), "200 µs");
  EXPECT_EQ(tick_number(6.5, 0.5), "6.5");
  EXPECT_EQ(tick_number(10, 10), "10");
}

TEST(ReportFormat, CleanKeepsTextAndDropsControl) {
  EXPECT_EQ(clean("µ × 例"), "µ × 例");
  EXPECT_EQ(clean("a\nb\tc\x1b[1m\x7f"), "a b c [1m ");
  EXPECT_EQ(clean("\xC2\x85"), " ") << "C1 control";
  EXPECT_EQ(clean("\xFF"), "\uFFFD");
  EXPECT_EQ(clean("\xC0\xAF"), "\uFFFD\uFFFD") << "overlong slash";
  EXPECT_EQ(clean("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD") << "surrogate";
  EXPECT_EQ(clean("x\xE2\x82"), "x\uFFFD\uFFFD") << "cut off";
}

TEST(ReportFormat, Ascii) { EXPECT_EQ(to_ascii("−4.5 µs, 2×, ±3"), "-4.5 us, 2x, +-3"); }

TEST(ReportFormat, HtmlEscape) {
  EXPECT_EQ(html_escape("<a href=\"x\" id='y'>&"),
            "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;");
}

TEST(ReportFormat, WidthCountsCodePoints) {
  EXPECT_EQ(display_width("µs"), 2U);
  EXPECT_EQ(display_width(""), 0U);
}

TEST(ReportFormat, ATextIsCutBetweenCodePoints) {
  EXPECT_EQ(split_at("aµsb", 2), (std::pair<std::string, std::string>("aµ", "sb")));
  EXPECT_EQ(split_at("ab", 5), (std::pair<std::string, std::string>("ab", "")));
}

TEST(ReportFormat, ShellCommandQuotesWhatAShellWouldTouch) {
  EXPECT_EQ(shell_command({"tlblab", "ab", "munmap:merged", "--cpus=0-3,8"}),
            "tlblab ab munmap:merged --cpus=0-3,8");
  EXPECT_EQ(shell_command({"a b", "", "don't", "$x"}), "'a b' '' 'don'\\''t' '$x'");
}

}  // namespace
}  // namespace tlblab::report
