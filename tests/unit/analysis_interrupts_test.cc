// SPDX-License-Identifier: GPL-2.0-only
// The price of an interrupt: by which control, and what it is called without one.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/unit/report_fixture.hh"
#include "user/analysis/interrupts.hh"

namespace tlblab {
namespace {

/// A takes `difference_ns` longer, give or take a tenth; 15 interrupts are avoided.
CellResult cell(unsigned nr_responders, unsigned nr_bystanders, double difference_ns) {
  CellResult made;
  made.plan.a = "per-vma";
  made.plan.b = "merged";
  made.plan.nr_responders = nr_responders;
  made.plan.nr_bystanders = nr_bystanders;
  made.difference_ns = report::fixture::around(difference_ns, 0.1);
  if (nr_responders > 0) {
    made.a.responder_counts["TLB"].mean = 16;
    made.b.responder_counts["TLB"].mean = 1;
  }
  return made;
}

TEST(PriceOfAnInterrupt, IsLessWhatRemainsWithBusyBystanders) {
  std::vector<CellResult> cells{cell(1, 0, 150000), cell(0, 0, 60000), cell(0, 1, 30000)};
  price_interrupts(cells);
  ASSERT_TRUE(cells[0].per_interrupt_ns);
  EXPECT_EQ(cells[0].price_basis, PriceBasis::kBusyControl);
  EXPECT_DOUBLE_EQ(cells[0].per_interrupt_ns->estimate, 120000 / 15.0);
  EXPECT_DOUBLE_EQ(cells[0].per_interrupt_ns->high, (120000 + std::hypot(15000, 3000)) / 15);
  EXPECT_DOUBLE_EQ(cells[0].per_interrupt_ns->low, (120000 - std::hypot(15000, 3000)) / 15);
  EXPECT_FALSE(cells[1].per_interrupt_ns) << "nobody is interrupted there";
}

TEST(PriceOfAnInterrupt, IsAnUpperBoundWithoutThem) {
  std::vector<CellResult> idle{cell(1, 0, 150000), cell(0, 0, 60000)};
  price_interrupts(idle);
  EXPECT_EQ(idle[0].price_basis, PriceBasis::kIdleControl);
  EXPECT_DOUBLE_EQ(idle[0].per_interrupt_ns->estimate, 90000 / 15.0);
  std::vector<CellResult> alone{cell(1, 0, 150000), cell(2, 0, 60000)};
  price_interrupts(alone);
  EXPECT_EQ(alone[0].price_basis, PriceBasis::kNoControl);
  EXPECT_DOUBLE_EQ(alone[0].per_interrupt_ns->estimate, 150000 / 15.0);
}

TEST(PriceOfAnInterrupt, TakesNoControlOfOtherWidthOrShape) {
  std::vector<CellResult> cells{cell(2, 0, 150000), cell(0, 1, 30000), cell(0, 0, 60000)};
  cells[2].plan.shape.nr_vmas = 99;
  price_interrupts(cells);
  EXPECT_EQ(cells[0].price_basis, PriceBasis::kNoControl);
}

}  // namespace
}  // namespace tlblab
