// SPDX-License-Identifier: GPL-2.0-only
// TLB facts decoded from given CPUID answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/topology_cpuid_table.hh"
#include "user/topology/tlb_features.hh"

namespace tlblab {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

constexpr CpuidRegisters kAmd{0x10, 0x68747541, 0x444d4163, 0x69746e65};
constexpr CpuidRegisters kIntel{0x20, 0x756e6547, 0x6c65746e, 0x49656e69};

CpuidTable amd_table() {
  return {{{0, 0}, kAmd},
          {{0x80000000, 0}, {0x80000021, 0, 0, 0}},
          {{0x80000005, 0}, {0xff48ff40, 0xff48ff40, 0, 0}},
          {{0x80000006, 0}, {0x5c002200, 0x6c004200, 0, 0}},
          {{0x80000019, 0}, {0xf048f040, 0x60400000, 0, 0}}};
}

TEST(X86Tlb, AmdSizes) {
  const std::vector<Fact> facts = x86_tlb_facts(reader(amd_table()));
  EXPECT_THAT(facts, Contains(Pair("L1 dTLB",
                                   "4K: 72 entries, fully associative; 2M: 72 entries, "
                                   "fully associative; 1G: 72 entries, fully associative")));
  EXPECT_THAT(facts, Contains(Pair("L2 dTLB",
                                   "4K: 3072 entries, 8-way; 2M: 3072 entries, 6-way; "
                                   "1G: 64 entries, 8-way")));
  EXPECT_THAT(facts, Contains(Pair("L2 iTLB",
                                   "4K: 512 entries, 4-way; 2M: 512 entries, 2-way; "
                                   "1G: none")));
}

TEST(X86Tlb, IntelLeaf18) {
  CpuidTable table{{{0, 0}, kIntel}, {{0x80000000, 0}, {0x80000008, 0, 0, 0}}};
  table[{0x18, 0}] = {2, 0, 0, 0};                                  // two more, none here
  table[{0x18, 1}] = {0, 6u << 16 | 1, 16, 1 | 1u << 5};            // L1 data, 4K, 6 ways, 16 sets
  table[{0x18, 2}] = {0, 32u << 16 | 6, 1, 2 | 1u << 5 | 1u << 8};  // L1 code, 2M+4M, full
  const std::vector<Fact> facts = x86_tlb_facts(reader(table));
  EXPECT_THAT(facts, Contains(Pair("L1 dTLB", "4K: 96 entries, 6-way")));
  EXPECT_THAT(facts, Contains(Pair("L1 iTLB", "2M+4M: 32 entries, fully associative")));
}

TEST(X86Tlb, IntelLeaf2WhereLeaf18IsMissing) {
  CpuidRegisters old = kIntel;
  old.eax = 0x16;
  const CpuidTable table{{{0, 0}, old}, {{2, 0}, {0x76036301, 0x00f0b5ff, 0x80c10000, 0x00c30000}}};
  const std::vector<Fact> facts = x86_tlb_facts(reader(table));
  EXPECT_THAT(facts, Contains(Pair("L1 dTLB", "4K: 64 entries, 4-way")));
  EXPECT_THAT(facts, Contains(Pair("L1 iTLB", "4K: 64 entries, 8-way")));
  EXPECT_THAT(facts, Contains(Pair("L2 TLB (shared)", HasSubstr("1536 entries"))));
  // A register with its top bit set holds no descriptors.
  EXPECT_THAT(facts, ::testing::Not(Contains(Pair("L2 TLB (shared)", HasSubstr("1024 entries")))));
}

TEST(X86Tlb, UndecodableSizesAreUnknown) {
  const CpuidTable table{{{0, 0}, {0x1, 0x12345678, 0, 0}}};
  EXPECT_THAT(x86_tlb_facts(reader(table)), Contains(Pair("TLB sizes", StartsWith("unknown"))));
}

TEST(Arm64Tlb, SaysWhatUserSpaceCannotKnow) {
  EXPECT_THAT(arm64_tlb_facts(), Contains(Pair("TLB sizes", "unknown from user space")));
}

}  // namespace
}  // namespace tlblab
