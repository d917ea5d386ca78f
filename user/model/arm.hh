// SPDX-License-Identifier: GPL-2.0-only
// The two schemes that a cell compares.
#pragma once

#include <cstdint>

namespace tlblab {

enum class Arm : std::uint8_t { kA = 0, kB = 1 };

}  // namespace tlblab
