// SPDX-License-Identifier: GPL-2.0-only
// TLB facts of this machine, arm64's knowledge, and the flush ceiling.
#include "user/topology/tlb_features.hh"

#include <fmt/format.h>

#include <charconv>

#include "user/topology/kernel_config.hh"
#include "user/topology/private_mount.hh"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace tlblab {

std::vector<Fact> arm64_tlb_facts(const FileText& kernel_config, bool guest) {
  // The ID registers that would tell are among those Linux hides when it emulates their reading
  // for user space (Documentation/arch/arm64/cpu-feature-registers.rst).
  std::vector<Fact> facts;
  facts.emplace_back("TLB sizes", "unknown from user space");
  facts.emplace_back("ASID width", "unknown from user space");
  facts.emplace_back("remote flush",
                     "TLBI broadcast by the hardware: no interrupt, no list of CPUs in the kernel");
  if (!kernel_config.ok()) {
    facts.emplace_back("ranged TLBI",
                       "unknown from user space, and the kernel's configuration can't be read");
  } else if (config_has(kernel_config.text, "ARM64_TLB_RANGE")) {
    facts.emplace_back("ranged TLBI",
                       "the kernel can use it; whether the CPU has it is unknown from user space");
  } else {
    facts.emplace_back("ranged TLBI", "not used: the kernel is built without it");
  }
  facts.emplace_back("broadcast in a guest",
                     guest
                         ? "the hypervisor may widen TLBI to all its CPUs; unknown from user space"
                         : "no hypervisor seen");
  return facts;
}

std::vector<Fact> read_tlb_facts([[maybe_unused]] const Virtualization& virtualization,
                                 [[maybe_unused]] const FileText& kernel_config) {
#if defined(__x86_64__)
  const CpuidReader cpuid = [](std::uint32_t leaf, std::uint32_t subleaf) {
    CpuidRegisters r;
    __cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
    return r;
  };
  return x86_tlb_facts(cpuid, value_of_key(read_kernel_file("/proc/cpuinfo").text, "flags"));
#elif defined(__aarch64__)
  return arm64_tlb_facts(kernel_config, virtualization.kind != MachineKind::kBareMetal);
#else
  return {{"TLB", "unknown: tlblab knows x86-64 and arm64"}};
#endif
}

std::pair<unsigned, std::string> flush_ceiling_pages() {
#if defined(__x86_64__)
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
#else
  return {0, "none known: arm64 decides by its own limits, which depend on ranged TLBI"};
#endif
}

}  // namespace tlblab
