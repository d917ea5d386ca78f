// SPDX-License-Identifier: GPL-2.0-only
// What arm64's user space can say of its TLBs. Compiled everywhere.
#include "user/topology/tlb_features.hh"

namespace tlblab {

std::vector<Fact> arm64_tlb_facts() {
  // The ID registers that would tell are among those Linux hides when it emulates their reading
  // for user space (Documentation/arch/arm64/cpu-feature-registers.rst).
  return {{"TLB sizes", "unknown from user space"}, {"ASID width", "unknown from user space"}};
}

}  // namespace tlblab
