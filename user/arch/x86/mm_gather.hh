// SPDX-License-Identifier: GPL-2.0-only
// The kernel's mmu_gather, as x86 configures it.
#pragma once

namespace tlblab {

/// Whether the architecture does without MMU_GATHER_MERGE_VMAS. x86 selects it.
inline constexpr bool kFlushesAtEachVmaEnd = false;

}  // namespace tlblab
