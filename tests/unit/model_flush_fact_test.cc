// SPDX-License-Identifier: GPL-2.0-only
// How two machines' facts about flushes are compared.
#include <gtest/gtest.h>

#include "user/model/flush_fact.hh"

namespace tlblab {
namespace {

const std::vector<FlushFact> kOne = {{"preemption model", "full", "debugfs"},
                                     {"INVLPGB", "not possible: no CPU for it", "CPUID"}};

TEST(FlushFact, OnlyKnownValuesDiffer) {
  EXPECT_TRUE(differing_facts(kOne, kOne).empty());
  std::vector<FlushFact> other = kOne;
  other[0].source = "kernel log";
  EXPECT_TRUE(differing_facts(kOne, other).empty());
  other[0].value = "unknown: debugfs can't be read";
  EXPECT_TRUE(differing_facts(kOne, other).empty());
  EXPECT_TRUE(differing_facts(kOne, {}).empty());
  other[0].value = "lazy";
  EXPECT_EQ(in_words(differing_facts(kOne, other)), "preemption model: full, lazy");
  EXPECT_EQ(in_words(differing_facts(other, kOne)), "preemption model: lazy, full");
}

TEST(FlushFact, SomeValuesChangeFlushes) {
  EXPECT_TRUE(changes_flushes({"TLBI completion repeated", "yes", ""}));
  EXPECT_FALSE(changes_flushes({"TLBI completion repeated", "no; no core is listed", ""}));
  EXPECT_FALSE(changes_flushes({"TLBI completion repeated", "unknown: no log", ""}));
  EXPECT_TRUE(changes_flushes({"INVLPGB", "possible: now and then", ""}));
  EXPECT_FALSE(changes_flushes({"INVLPGB", "not possible: no", ""}));
  EXPECT_FALSE(changes_flushes({"preemption model", "full", ""}));
  EXPECT_FALSE(changes_flushes({"of a later tlblab", "yes", ""}));
}

}  // namespace
}  // namespace tlblab
