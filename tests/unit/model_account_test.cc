// SPDX-License-Identifier: GPL-2.0-only
// Sums of accounts: a term that some operation lacks must not become a smaller sum.
#include <gtest/gtest.h>

#include "user/model/account.hh"

namespace tlblab {
namespace {

TEST(AccountSum, AddsWhatEveryOperationHas) {
  AccountSum sum;
  EXPECT_EQ(sum.sums(), Account{});
  sum.add({{"requests", 16}, {"targets", 16}});
  EXPECT_EQ(sum.sums(), (Account{{"requests", 16}, {"targets", 16}}));
  sum.add({{"requests", 1}, {"targets", 2}});
  EXPECT_EQ(sum.sums(), (Account{{"requests", 17}, {"targets", 18}}));
}

// x86 does not know the targets while INVLPGB serves the address space, which may begin at any
// time.
TEST(AccountSum, ATermThatOneOperationLacksIsUnknown) {
  AccountSum late;
  late.add({{"requests", 16}, {"targets", 16}});
  late.add({{"requests", 16}});
  late.add({{"requests", 16}, {"targets", 16}});
  EXPECT_EQ(late.sums(), (Account{{"requests", 48}}));
  AccountSum early;
  early.add({{"requests", 16}});
  early.add({{"requests", 16}, {"targets", 16}});
  EXPECT_EQ(early.sums(), (Account{{"requests", 32}}));
}

}  // namespace
}  // namespace tlblab
