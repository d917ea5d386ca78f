// SPDX-License-Identifier: GPL-2.0-only
// What the module would say here, for the lab's expectations while none is loaded: the same as
// kmod/arch/arm64/flush.c fills in.
#pragma once

#include "include/tlblab/catalogue.hh"

namespace tlblab {

/// Mask of enum tlblab_mechanism.
inline constexpr __u64 kLabMechanisms =
    catalogue::mask_of(TLBLAB_TLBI_DSB_EACH) | catalogue::mask_of(TLBLAB_TLBI_DSB_ONCE);
/// Of tlblab_capabilities.features, what depends on the architecture alone.
inline constexpr __u32 kLabFeatures = TLBLAB_HAS_BROADCAST;

}  // namespace tlblab
