// SPDX-License-Identifier: GPL-2.0-only
// The first event that both arms have.
#include "user/analysis/interrupts.hh"

namespace tlblab {

std::pair<double, std::string> interrupts_avoided(const CellResult& cell) {
  for (const char* event : {"TLB", "tlb_flush.remote"}) {
    const auto a = cell.a.responder_counts.find(event);
    const auto b = cell.b.responder_counts.find(event);
    if (a == cell.a.responder_counts.end() || b == cell.b.responder_counts.end()) continue;
    return {a->second.mean - b->second.mean, event};
  }
  return {0, ""};
}

}  // namespace tlblab
