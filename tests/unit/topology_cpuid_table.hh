// SPDX-License-Identifier: GPL-2.0-only
// A made-up CPU's answers to CPUID.
#pragma once

#include <map>
#include <utility>

#include "user/topology/tlb_features.hh"

namespace tlblab {

/// By leaf and subleaf; what is not in it reads as zeros, like an unknown leaf.
using CpuidTable = std::map<std::pair<std::uint32_t, std::uint32_t>, CpuidRegisters>;

inline CpuidReader reader(const CpuidTable& table) {
  return [table](std::uint32_t leaf, std::uint32_t subleaf) {
    const auto found = table.find({leaf, subleaf});
    return found == table.end() ? CpuidRegisters{} : found->second;
  };
}

}  // namespace tlblab
