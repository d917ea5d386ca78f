// SPDX-License-Identifier: GPL-2.0-only
// arm64 has no instruction by which user space could ask for a hypervisor.
#include "user/topology/virtualization.hh"

namespace tlblab {

void add_cpu_signs(VirtualizationSigns&) {}

}  // namespace tlblab
