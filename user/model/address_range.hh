// SPDX-License-Identifier: GPL-2.0-only
// A piece of user address space.
#pragma once

#include <cstdint>

namespace tlblab {

/// Half-open range of user addresses, page aligned, in bytes.
struct AddressRange {
  std::uintptr_t begin;
  std::uintptr_t end;
};

}  // namespace tlblab
