// SPDX-License-Identifier: GPL-2.0-only
// What arm64's user space can say of its TLBs. Compiled everywhere: it only looks at text.
#include "user/topology/kernel_config.hh"
#include "user/topology/tlb_features.hh"

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

}  // namespace tlblab
