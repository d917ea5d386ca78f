// SPDX-License-Identifier: GPL-2.0-only
// Which initiator unmaps what under a load, and what witnesses read of it.
#pragma once

#include <cstdint>
#include <vector>

#include "user/model/address_range.hh"
#include "user/model/check.hh"

namespace tlblab::oracle {

inline constexpr unsigned kMostInitiators = 2;

constexpr unsigned nr_initiators(Load load) { return load == Load::kOneInitiator ? 1 : 2; }

/// What initiator `which` unmaps of a shape's `ranges`, in pages of `page_bytes`. Empty when a
/// single page is to be parted between disjoint ones.
std::vector<AddressRange> share_of(const std::vector<AddressRange>& ranges, Load load,
                                   unsigned which, std::size_t page_bytes);

/// A page that witnesses read, and the initiators whose call covers it, as a mask.
struct WitnessedPage {
  std::uintptr_t address;
  std::uint32_t covered_by;
};
std::vector<WitnessedPage> witnessed_pages(const std::vector<AddressRange>& ranges, Load load,
                                           std::size_t page_bytes);

}  // namespace tlblab::oracle
