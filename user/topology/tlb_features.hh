// SPDX-License-Identifier: GPL-2.0-only
// What user space can find out about the machine's TLBs and the means to flush them.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "user/topology/kernel_files.hh"
#include "user/topology/machine.hh"

namespace tlblab {

struct CpuidRegisters {
  std::uint32_t eax = 0;
  std::uint32_t ebx = 0;
  std::uint32_t ecx = 0;
  std::uint32_t edx = 0;
};
using CpuidReader = std::function<CpuidRegisters(std::uint32_t leaf, std::uint32_t subleaf)>;

/// Pure. TLB sizes, PCID, INVPCID, INVLPGB, and whether a hypervisor may carry out remote flushes.
/// `cpu_flags` is the line "flags" of /proc/cpuinfo: what the kernel agreed to use.
std::vector<Fact> x86_tlb_facts(const CpuidReader& cpuid, std::string_view cpu_flags);

/// Pure. The same for arm64: most of it is hidden from user space, and the facts then say so.
std::vector<Fact> arm64_tlb_facts(const FileText& kernel_config, bool guest);

/// The facts of the machine we run on, by user/arch/<a>/tlb_features.cc.
std::vector<Fact> read_tlb_facts(const Virtualization& virtualization,
                                 const FileText& kernel_config);

}  // namespace tlblab
