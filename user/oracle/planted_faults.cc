// SPDX-License-Identifier: GPL-2.0-only
// The faults of the catalogue that can be planted on any machine.
#include "user/oracle/planted_faults.hh"

#include <algorithm>
#include <vector>

#include "include/tlblab/catalogue.hh"

namespace tlblab::oracle {

std::span<const PlantedFault> planted_faults() {
  static const std::vector<PlantedFault> faults = [] {
    std::vector<PlantedFault> list;
    for (const catalogue::Fault& fault : catalogue::kFaults) {
      if (!catalogue::has(catalogue::faults_anywhere(), fault.value)) continue;
      // Without claims nothing is released too early, but another initiator returns too early.
      const bool two = fault.breaks == catalogue::Breaks::kClaim;
      list.push_back({fault.value, fault.name, fault.summary,
                      two ? Observation::kAfterReturn : Observation::kReleased, two});
    }
    return list;
  }();
  return faults;
}

const PlantedFault& planted_fault(std::uint32_t fault) {
  const auto faults = planted_faults();
  return *std::find_if(faults.begin(), faults.end(),
                       [fault](const PlantedFault& f) { return f.fault == fault; });
}

}  // namespace tlblab::oracle
