// SPDX-License-Identifier: GPL-2.0-only
// What the facts about a machine's TLBs say of its shootdown.
#include "user/analysis/shootdown.hh"

#include <string_view>

namespace tlblab {

Shootdown shootdown_of(const std::vector<Fact>& tlb) {
  Shootdown shootdown;
  for (const auto& [name, value] : tlb) {
    const std::string_view text = value;
    if (name == "remote flush by the hypervisor" && !text.starts_with("unknown")) {
      shootdown.by_hypervisor = !text.starts_with("no:");
    }
    // Whether the kernel uses it can't be seen: its flag has no name in /proc/cpuinfo.
    if (name == "INVLPGB") shootdown.by_broadcast = text != "no";
  }
  return shootdown;
}

}  // namespace tlblab
