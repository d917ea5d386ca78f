// SPDX-License-Identifier: GPL-2.0-only
// TLB facts decoded from given CPUID answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "user/topology/kernel_config.hh"
#include "user/topology/tlb_features.hh"

namespace tlblab {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

/// CPUID as a table; what is not in it reads as zeros, like an unknown leaf.
using Table = std::map<std::pair<std::uint32_t, std::uint32_t>, CpuidRegisters>;

CpuidReader reader(const Table& table) {
  return [table](std::uint32_t leaf, std::uint32_t subleaf) {
    const auto found = table.find({leaf, subleaf});
    return found == table.end() ? CpuidRegisters{} : found->second;
  };
}

constexpr CpuidRegisters kAmd{0x10, 0x68747541, 0x444d4163, 0x69746e65};
constexpr CpuidRegisters kIntel{0x20, 0x756e6547, 0x6c65746e, 0x49656e69};
constexpr std::uint32_t kHypervisorBit = 1u << 31;

Table amd_table() {
  return {{{0, 0}, kAmd},
          {{0x80000000, 0}, {0x80000021, 0, 0, 0}},
          {{0x80000005, 0}, {0xff48ff40, 0xff48ff40, 0, 0}},
          {{0x80000006, 0}, {0x5c002200, 0x6c004200, 0, 0}},
          {{0x80000019, 0}, {0xf048f040, 0x60400000, 0, 0}}};
}

Table kvm_table(std::uint32_t features, std::uint32_t hints) {
  Table table = amd_table();
  table[{1, 0}].ecx = kHypervisorBit;
  table[{0x40000000, 0}] = {0x40000001, 0x4b4d564b, 0x564b4d56, 0x0000004d};
  table[{0x40000001, 0}] = {features, 0, 0, hints};
  return table;
}

TEST(X86Tlb, AmdSizes) {
  const std::vector<Fact> facts = x86_tlb_facts(reader(amd_table()), "");
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
  Table table{{{0, 0}, kIntel}, {{0x80000000, 0}, {0x80000008, 0, 0, 0}}};
  table[{0x18, 0}] = {2, 0, 0, 0};                                  // two more, none here
  table[{0x18, 1}] = {0, 6u << 16 | 1, 16, 1 | 1u << 5};            // L1 data, 4K, 6 ways, 16 sets
  table[{0x18, 2}] = {0, 32u << 16 | 6, 1, 2 | 1u << 5 | 1u << 8};  // L1 code, 2M+4M, full
  const std::vector<Fact> facts = x86_tlb_facts(reader(table), "");
  EXPECT_THAT(facts, Contains(Pair("L1 dTLB", "4K: 96 entries, 6-way")));
  EXPECT_THAT(facts, Contains(Pair("L1 iTLB", "2M+4M: 32 entries, fully associative")));
}

TEST(X86Tlb, IntelLeaf2WhereLeaf18IsMissing) {
  CpuidRegisters old = kIntel;
  old.eax = 0x16;
  const Table table{{{0, 0}, old}, {{2, 0}, {0x76036301, 0x00f0b5ff, 0x80c10000, 0x00c30000}}};
  const std::vector<Fact> facts = x86_tlb_facts(reader(table), "");
  EXPECT_THAT(facts, Contains(Pair("L1 dTLB", "4K: 64 entries, 4-way")));
  EXPECT_THAT(facts, Contains(Pair("L1 iTLB", "4K: 64 entries, 8-way")));
  EXPECT_THAT(facts, Contains(Pair("L2 TLB (shared)", HasSubstr("1536 entries"))));
  // A register with its top bit set holds no descriptors.
  EXPECT_THAT(facts, ::testing::Not(Contains(Pair("L2 TLB (shared)", HasSubstr("1024 entries")))));
}

TEST(X86Tlb, UndecodableSizesAreUnknown) {
  const Table table{{{0, 0}, {0x1, 0x12345678, 0, 0}}};
  EXPECT_THAT(x86_tlb_facts(reader(table), ""), Contains(Pair("TLB sizes", StartsWith("unknown"))));
}

TEST(X86Tlb, OfferedIsNotUsed) {
  Table table = amd_table();
  table[{1, 0}].ecx = 1u << 17;
  table[{7, 0}].ebx = 1u << 10;
  table[{0x80000008, 0}].ebx = 1u << 3;
  const std::vector<Fact> used = x86_tlb_facts(reader(table), "fpu pcid invpcid invlpgb pti");
  EXPECT_THAT(used, Contains(Pair("PCID", "yes")));
  EXPECT_THAT(used, Contains(Pair("INVPCID", "yes")));
  EXPECT_THAT(used, Contains(Pair("INVLPGB", "yes")));
  EXPECT_THAT(used, Contains(Pair("page-table isolation", StartsWith("on"))));
  const std::vector<Fact> refused = x86_tlb_facts(reader(table), "fpu xinvpcid");
  EXPECT_THAT(refused, Contains(Pair("PCID", HasSubstr("not used"))));
  EXPECT_THAT(refused, Contains(Pair("INVPCID", HasSubstr("not used"))));
  EXPECT_THAT(x86_tlb_facts(reader(amd_table()), ""), Contains(Pair("INVLPGB", "no")));
}

TEST(X86Tlb, WhoFlushesRemotely) {
  constexpr std::uint32_t flush = 1u << 9;
  constexpr std::uint32_t steal = 1u << 5;
  const auto answer = [](const Table& table) {
    return x86_tlb_facts(reader(table), "").back().second;
  };
  EXPECT_THAT(answer(amd_table()), StartsWith("no: no hypervisor"));
  EXPECT_THAT(answer(kvm_table(flush | steal, 0)), StartsWith("possible"));
  EXPECT_THAT(answer(kvm_table(steal, 0)), StartsWith("no"));
  EXPECT_THAT(answer(kvm_table(flush, 0)), StartsWith("no"));
  EXPECT_THAT(answer(kvm_table(flush | steal, 1)), StartsWith("no"));
  Table with_mwait = kvm_table(flush | steal, 0);
  with_mwait[{1, 0}].ecx |= 1u << 3;
  EXPECT_THAT(answer(with_mwait), StartsWith("no"));
}

TEST(Arm64Tlb, SaysWhatUserSpaceCannotKnow) {
  const FileText with_range{.text = "CONFIG_ARM64=y\nCONFIG_ARM64_TLB_RANGE=y\n", .problem = {}};
  const FileText without{.text = "# CONFIG_ARM64_TLB_RANGE is not set\n", .problem = {}};
  const FileText unreadable{.text = {}, .problem = "no such file"};
  EXPECT_THAT(arm64_tlb_facts(with_range, false),
              Contains(Pair("ranged TLBI", StartsWith("the kernel can use it"))));
  EXPECT_THAT(arm64_tlb_facts(without, false),
              Contains(Pair("ranged TLBI", StartsWith("not used"))));
  EXPECT_THAT(arm64_tlb_facts(unreadable, true),
              Contains(Pair("ranged TLBI", StartsWith("unknown"))));
  EXPECT_THAT(arm64_tlb_facts(with_range, true),
              Contains(Pair("broadcast in a guest", HasSubstr("hypervisor may"))));
  EXPECT_THAT(arm64_tlb_facts(with_range, false),
              Contains(Pair("TLB sizes", "unknown from user space")));
}

}  // namespace
}  // namespace tlblab
