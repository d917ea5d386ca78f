// SPDX-License-Identifier: GPL-2.0-only
// The kernel's mmu_gather, as arm64 configures it.
#pragma once

namespace tlblab {

/// Whether the architecture does without MMU_GATHER_MERGE_VMAS. arm64 does.
inline constexpr bool kFlushesAtEachVmaEnd = true;

}  // namespace tlblab
