// SPDX-License-Identifier: GPL-2.0-only
// TLB facts of this machine, and the flush ceiling, where they are arm64's.
#include "user/topology/tlb_features.hh"

namespace tlblab {

std::vector<Fact> read_tlb_facts(const Virtualization& virtualization,
                                 const FileText& kernel_config) {
  return arm64_tlb_facts(kernel_config, virtualization.kind != MachineKind::kBareMetal);
}

std::pair<unsigned, std::string> flush_ceiling_pages() {
  return {0, "none known: arm64 decides by its own limits, which depend on ranged TLBI"};
}

}  // namespace tlblab
