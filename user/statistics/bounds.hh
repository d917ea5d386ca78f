// SPDX-License-Identifier: GPL-2.0-only
// Exact bounds on a rate seen k times in n independent trials (Clopper and Pearson, 1934).
#pragma once

#include <cstdint>

namespace tlblab::statistics {

/// The rate that lies above the truth in at least 95 of 100 runs: one-sided. For k = 0 it is
/// 1 - 0.05^(1/n), near 3/n ("the rule of three"). 1 when there was no trial, or k = n.
double upper_bound_95(std::uint64_t k, std::uint64_t n);

/// The same from below. 0 when there was no trial, or k = 0.
double lower_bound_95(std::uint64_t k, std::uint64_t n);

}  // namespace tlblab::statistics
