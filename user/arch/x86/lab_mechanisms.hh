// SPDX-License-Identifier: GPL-2.0-only
// What the module would say here, for the lab's expectations while none is loaded: the same as
// kmod/arch/x86/flush.c fills in.
#pragma once

#include "include/tlblab/catalogue.hh"

namespace tlblab {

/// Mask of enum tlblab_mechanism.
inline constexpr __u64 kLabMechanisms = catalogue::mask_of(TLBLAB_KERNEL_SHOOTDOWN);
/// Of tlblab_capabilities.features, what depends on the architecture alone.
inline constexpr __u32 kLabFeatures = 0;

}  // namespace tlblab
