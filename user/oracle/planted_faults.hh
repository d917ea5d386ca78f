// SPDX-License-Identifier: GPL-2.0-only
// The faults that prove that witnesses see.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "user/model/check.hh"

namespace tlblab::oracle {

/// A way to be wrong that the module can take on purpose, and what it must show.
struct PlantedFault {
  std::uint32_t fault;  ///< enum tlblab_fault
  std::string_view name;
  std::string_view meaning;
  Observation shows;
  bool needs_same_ranges;  ///< shows under Load::kTwoSame only
};
std::span<const PlantedFault> planted_faults();
/// The fault of that number. It must be one of planted_faults().
const PlantedFault& planted_fault(std::uint32_t fault);

}  // namespace tlblab::oracle
