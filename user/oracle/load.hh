// SPDX-License-Identifier: GPL-2.0-only
// Under which load a scheme is watched: how many initiators, on which ranges.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "user/model/address_range.hh"

namespace tlblab::oracle {

enum class Load : std::uint8_t {
  kOneInitiator,
  kTwoDisjoint,  ///< at once, each on every other VMA (or page, if there is one VMA)
  /// At once, both on all: one of them finds entries that the other has emptied. The first then
  /// goes on through many tables without an entry, so that what it gathers is flushed late.
  kTwoSame,
};

inline constexpr std::array kLoads = {Load::kOneInitiator, Load::kTwoDisjoint, Load::kTwoSame};
inline constexpr unsigned kMostInitiators = 2;

constexpr unsigned nr_initiators(Load load) { return load == Load::kOneInitiator ? 1 : 2; }

/// "1 initiator", "2, disjoint ranges", "2, the same ranges".
std::string_view name(Load load);

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
