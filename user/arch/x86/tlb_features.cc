// SPDX-License-Identifier: GPL-2.0-only
// TLB facts of this machine, and the flush ceiling, where they are x86's.
#include "user/topology/tlb_features.hh"

#include <cpuid.h>
#include <fmt/format.h>

#include <charconv>

#include "user/topology/private_mount.hh"

namespace tlblab {

std::vector<Fact> read_tlb_facts(const Virtualization&, const FileText&) {
  const CpuidReader cpuid = [](std::uint32_t leaf, std::uint32_t subleaf) {
    CpuidRegisters r;
    __cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
    return r;
  };
  return x86_tlb_facts(cpuid, value_of_key(read_kernel_file("/proc/cpuinfo").text, "flags"));
}

std::pair<unsigned, std::string> flush_ceiling_pages() {
  constexpr unsigned kernel_default = 33;  // arch/x86/mm/tlb.c, since 3.17
  const FileText ceiling =
      read_files_of("debugfs", "/sys/kernel/debug", {"x86/tlb_single_page_flush_ceiling"}).front();
  unsigned pages = 0;
  const char* const end = ceiling.text.data() + ceiling.text.size();
  if (ceiling.ok() && std::from_chars(ceiling.text.data(), end, pages).ptr == end) {
    return {pages, "debugfs"};
  }
  return {kernel_default, fmt::format("kernel default, debugfs unreadable: {}",
                                      ceiling.ok() ? "not a number" : ceiling.problem)};
}

}  // namespace tlblab
