// SPDX-License-Identifier: GPL-2.0-only
// Texts of tracefs and /proc/interrupts, and readings of perf groups.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "user/counters/interrupts.hh"
#include "user/counters/perf.hh"
#include "user/counters/tracepoints.hh"

namespace tlblab::counters {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;

constexpr const char* kFlushFormat =
    "name: tlb_flush\nID: 188\nformat:\n"
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\n"
    "\tfield:int reason;\toffset:8;\tsize:4;\tsigned:1;\n"
    "\tfield:unsigned long pages;\toffset:16;\tsize:8;\tsigned:0;\n"
    "\tfield:void * callback;\toffset:24;\tsize:8;\tsigned:0;\n"
    "\n"
    "print fmt: \"pages:%ld reason:%s (%d)\", REC->pages, __print_symbolic(REC->reason, "
    "{ 0, \"flush on task switch\" }, { 3, \"local MM shootdown\" }, { TLB_ODD, \"odd\" }, "
    "{ -7, \"minus\" }), REC->reason\n";

TEST(TracepointFormat, FieldsByWholeName) {
  EXPECT_TRUE(has_field(kFlushFormat, "pages"));
  EXPECT_TRUE(has_field(kFlushFormat, "callback"));
  EXPECT_FALSE(has_field(kFlushFormat, "page"));
  EXPECT_FALSE(has_field(kFlushFormat, "ages"));
}

TEST(TracepointFormat, ValuesByMeaning) {
  EXPECT_THAT(symbolic_values(kFlushFormat, "reason"),
              ElementsAre(Pair("flush on task switch", 0), Pair("local mm shootdown", 3),
                          Pair("minus", -7)));
  EXPECT_THAT(symbolic_values(kFlushFormat, "pages"), IsEmpty());
  EXPECT_THAT(symbolic_values("__print_symbolic(REC->reason, { 1, \"cut", "reason"), IsEmpty());
  EXPECT_THAT(symbolic_values("", "reason"), IsEmpty());
}

TEST(TracepointFormat, NumberMustBeANumber) {
  EXPECT_EQ(parse_tracepoint("188", "").id, 188u);
  EXPECT_EQ(parse_tracepoint("188", "").problem, "");
  EXPECT_NE(parse_tracepoint("18x", "").problem, "");
  EXPECT_NE(parse_tracepoint("", "").problem, "");
}

// CPU 1 is offline: no column.
constexpr const char* kX86Interrupts =
    "            CPU0       CPU2       CPU3\n"
    "  1:          9          8          7   IO-APIC    1-edge      i8042\n"
    "NMI:          0          0          0   Non-maskable interrupts\n"
    "CAL:      45230     183227         11   Function call interrupts\n"
    "TLB:        889     168088         12   TLB shootdowns\n"
    "ERR:          5\n";

constexpr const char* kArm64Interrupts =
    "           CPU0       CPU1\n"
    " 10:       1111       2222     GICv3  27 Level     arch_timer\n"
    "IPI0:       100        200       Rescheduling interrupts\n"
    "IPI1:       300        400       Function call interrupts\n"
    "IPI2:         0          0       CPU stop interrupts\n"
    "Err:          0\n";

TEST(Interrupts, ColumnsFollowTheHeader) {
  EXPECT_THAT(interrupt_count(kX86Interrupts, "TLB", 0), Optional(889u));
  EXPECT_THAT(interrupt_count(kX86Interrupts, "TLB", 2), Optional(168088u));
  EXPECT_THAT(interrupt_count(kX86Interrupts, "CAL", 3), Optional(11u));
  EXPECT_EQ(interrupt_count(kX86Interrupts, "TLB", 1), std::nullopt);
}

TEST(Interrupts, AbsentAndShortRowsAreUnknown) {
  EXPECT_EQ(interrupt_count(kX86Interrupts, "TL", 0), std::nullopt);
  EXPECT_THAT(interrupt_count(kX86Interrupts, "ERR", 0), Optional(5u));
  EXPECT_EQ(interrupt_count(kX86Interrupts, "ERR", 2), std::nullopt);
  EXPECT_EQ(interrupt_count("", "TLB", 0), std::nullopt);
  EXPECT_EQ(interrupt_count(" CPU0 CPU1\nTLB: 1", "TLB", 1), std::nullopt);
}

TEST(Interrupts, RowsAreFoundByWhatTheyMean) {
  EXPECT_EQ(find_interrupt_label(kX86Interrupts, "Function call interrupts"), "CAL");
  EXPECT_EQ(find_interrupt_label(kArm64Interrupts, "Function call interrupts"), "IPI1");
  EXPECT_EQ(find_interrupt_label(kArm64Interrupts, "TLB shootdowns"), "");
  EXPECT_THAT(interrupt_count(kArm64Interrupts, "IPI1", 1), Optional(400u));
}

TEST(GroupDifference, PlainCase) {
  EXPECT_THAT(group_difference({2, 100, 100, 5, 7}, {2, 150, 150, 6, 17}),
              Optional(ElementsAre(1u, 10u)));
}

TEST(GroupDifference, MultiplexedReadingIsUnknownNotScaled) {
  EXPECT_EQ(group_difference({1, 100, 100, 5}, {1, 200, 150, 9}), std::nullopt);
  // What happened before the first reading does not matter.
  EXPECT_THAT(group_difference({1, 100, 50, 5}, {1, 200, 150, 9}), Optional(ElementsAre(4u)));
}

TEST(GroupDifference, FailedReadingIsUnknown) {
  EXPECT_EQ(group_difference({0, 100, 100, 5}, {1, 200, 200, 9}), std::nullopt);
  EXPECT_EQ(group_difference({1, 100, 100, 5}, {0, 200, 200, 9}), std::nullopt);
  EXPECT_EQ(group_difference({1, 100, 100, 5}, {2, 200, 200, 9, 9}), std::nullopt);
  EXPECT_EQ(group_difference({}, {}), std::nullopt);
}

}  // namespace
}  // namespace tlblab::counters
