// SPDX-License-Identifier: GPL-2.0-only
// Decoding x86's TLB facts from CPUID. Compiled everywhere: it only looks at numbers.
//
// Sources: AMD64 Architecture Programmer's Manual volume 3, appendix E (0x80000005, 0x80000006,
// 0x80000019); Intel Software Developer's Manual volume 2A, CPUID (leaves 2 and 0x18).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "user/topology/tlb_features.hh"

namespace tlblab {
namespace {

constexpr std::uint32_t bits(std::uint32_t value, unsigned high, unsigned low) {
  return (value >> low) & ((1u << (high - low + 1)) - 1);
}

std::string ways_text(unsigned ways) {
  return ways == 1 ? "direct mapped" : fmt::format("{}-way", ways);
}

/// "2M: 512 entries, 2-way"; "2M: none". An absent TLB is a fact too: such pages use another one.
std::string entries_text(std::string_view pages, unsigned entries, const std::string& ways) {
  if (entries == 0) return fmt::format("{}: none", pages);
  return fmt::format("{}: {} entries, {}", pages, entries, ways);
}

std::string amd_l1(std::string_view pages, std::uint32_t half) {
  const unsigned ways = bits(half, 15, 8);
  return entries_text(pages, ways == 0 ? 0 : bits(half, 7, 0),
                      ways == 0xff ? "fully associative" : ways_text(ways));
}

std::string amd_l2(std::string_view pages, std::uint32_t half) {
  constexpr std::array<const char*, 16> way_names = {
      "",       "direct mapped", "2-way",   "3-way",
      "4-way",  "6-way",         "8-way",   "ways unknown",
      "16-way", "ways unknown",  "32-way",  "48-way",
      "64-way", "96-way",        "128-way", "fully associative"};
  const unsigned ways = bits(half, 15, 12);
  return entries_text(pages, ways == 0 ? 0 : bits(half, 11, 0), way_names[ways]);
}

void add_amd_sizes(const CpuidReader& cpuid, std::uint32_t max_extended, std::vector<Fact>& facts) {
  // Bits 31:16 of each register are the data TLB, 15:0 the instruction TLB.
  const CpuidRegisters l1 = cpuid(0x80000005, 0);
  const CpuidRegisters l2 = cpuid(0x80000006, 0);
  const CpuidRegisters giant = max_extended >= 0x80000019 ? cpuid(0x80000019, 0) : CpuidRegisters{};
  for (const unsigned shift : {16u, 0u}) {
    const std::string which = shift == 16 ? "dTLB" : "iTLB";
    facts.emplace_back("L1 " + which, fmt::format("{}; {}; {}", amd_l1("4K", l1.ebx >> shift),
                                                  amd_l1("2M", l1.eax >> shift),
                                                  amd_l2("1G", giant.eax >> shift)));
    facts.emplace_back("L2 " + which, fmt::format("{}; {}; {}", amd_l2("4K", l2.ebx >> shift),
                                                  amd_l2("2M", l2.eax >> shift),
                                                  amd_l2("1G", giant.ebx >> shift)));
  }
}

/// Leaf 0x18 describes one TLB per subleaf. False when it describes none.
bool add_intel_leaf_18(const CpuidReader& cpuid, std::vector<Fact>& facts) {
  constexpr std::array<const char*, 6> type_names = {
      "", "dTLB", "iTLB", "TLB (shared)", "dTLB (loads)", "dTLB (stores)"};
  constexpr std::array<const char*, 4> page_names = {"4K", "2M", "4M", "1G"};
  constexpr std::uint32_t most_subleaves = 64;  // ten times what CPUs have; nonsense must end
  bool any = false;
  const std::uint32_t last = std::min(cpuid(0x18, 0).eax, most_subleaves);
  for (std::uint32_t subleaf = 0; subleaf <= last; ++subleaf) {
    const CpuidRegisters r = cpuid(0x18, subleaf);
    const unsigned type = bits(r.edx, 4, 0);
    if (type == 0 || type >= type_names.size()) continue;
    std::string pages;
    for (unsigned bit = 0; bit < page_names.size(); ++bit) {
      if ((r.ebx >> bit & 1) != 0)
        pages += (pages.empty() ? "" : "+") + std::string(page_names[bit]);
    }
    const unsigned ways = bits(r.ebx, 31, 16);
    const bool full = bits(r.edx, 8, 8) != 0;
    facts.emplace_back(
        fmt::format("L{} {}", bits(r.edx, 7, 5), type_names[type]),
        entries_text(pages, ways * r.ecx, full ? "fully associative" : ways_text(ways)));
    any = true;
  }
  return any;
}

struct Leaf2Descriptor {
  std::uint8_t value;
  const char* tlb;
  const char* size;
};
// Those of the cores since Nehalem; older ones are shown by number.
constexpr std::array kLeaf2Descriptors = {
    Leaf2Descriptor{0x03, "L1 dTLB", "4K: 64 entries, 4-way"},
    Leaf2Descriptor{0x55, "L1 iTLB", "2M: 7 entries, fully associative"},
    Leaf2Descriptor{0x5a, "L1 dTLB", "2M: 32 entries, 4-way"},
    Leaf2Descriptor{0x63, "L1 dTLB", "2M: 32 entries, 4-way; 1G: 4 entries, 4-way"},
    Leaf2Descriptor{0x64, "L1 dTLB", "4K: 512 entries, 4-way"},
    Leaf2Descriptor{0x76, "L1 iTLB", "2M: 8 entries, fully associative"},
    Leaf2Descriptor{0xb2, "L1 iTLB", "4K: 64 entries, 4-way"},
    Leaf2Descriptor{0xb5, "L1 iTLB", "4K: 64 entries, 8-way"},
    Leaf2Descriptor{0xb6, "L1 iTLB", "4K: 128 entries, 8-way"},
    Leaf2Descriptor{0xc1, "L2 TLB (shared)", "4K+2M: 1024 entries, 8-way"},
    Leaf2Descriptor{0xc3, "L2 TLB (shared)", "4K+2M: 1536 entries, 6-way; 1G: 16 entries, 4-way"},
    Leaf2Descriptor{0xca, "L2 TLB (shared)", "4K: 512 entries, 4-way"},
};

bool add_intel_leaf_2(const CpuidReader& cpuid, std::vector<Fact>& facts) {
  const CpuidRegisters r = cpuid(2, 0);
  bool any = false;
  const std::array words = {r.eax & ~0xffu, r.ebx, r.ecx, r.edx};  // AL is no descriptor
  for (const std::uint32_t word : words) {
    if (word >> 31 != 0) continue;  // bit 31 set: no descriptors in this register
    for (unsigned shift = 0; shift < 32; shift += 8) {
      const auto value = static_cast<std::uint8_t>(word >> shift);
      for (const Leaf2Descriptor& known : kLeaf2Descriptors) {
        if (known.value != value) continue;
        facts.emplace_back(known.tlb, known.size);
        any = true;
      }
    }
  }
  return any;
}

void add_sizes(const CpuidReader& cpuid, std::vector<Fact>& facts) {
  const CpuidRegisters base = cpuid(0, 0);
  const std::uint32_t max_extended = cpuid(0x80000000, 0).eax;
  const bool amd = base.ebx == 0x68747541;    // "Auth"enticAMD
  const bool hygon = base.ebx == 0x6f677948;  // "Hygo"nGenuine
  if ((amd || hygon) && max_extended >= 0x80000006) {
    add_amd_sizes(cpuid, max_extended, facts);
    return;
  }
  if (base.eax >= 0x18 && add_intel_leaf_18(cpuid, facts)) return;
  if (base.eax >= 2 && add_intel_leaf_2(cpuid, facts)) return;
  facts.emplace_back("TLB sizes", "unknown: CPUID describes them in no form known here");
}

}  // namespace

std::vector<Fact> x86_tlb_facts(const CpuidReader& cpuid) {
  std::vector<Fact> facts;
  add_sizes(cpuid, facts);
  return facts;
}

}  // namespace tlblab
