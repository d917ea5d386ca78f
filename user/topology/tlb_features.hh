// SPDX-License-Identifier: GPL-2.0-only
// What user space can find out about the machine's TLBs.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "user/topology/machine.hh"

namespace tlblab {

struct CpuidRegisters {
  std::uint32_t eax = 0;
  std::uint32_t ebx = 0;
  std::uint32_t ecx = 0;
  std::uint32_t edx = 0;
};
using CpuidReader = std::function<CpuidRegisters(std::uint32_t leaf, std::uint32_t subleaf)>;

/// Pure. TLB sizes.
std::vector<Fact> x86_tlb_facts(const CpuidReader& cpuid);

/// The same for arm64, which hides them from user space: the facts say so.
std::vector<Fact> arm64_tlb_facts();

/// The facts of the machine we run on, by user/arch/<a>/tlb_features.cc.
std::vector<Fact> read_tlb_facts();

}  // namespace tlblab
