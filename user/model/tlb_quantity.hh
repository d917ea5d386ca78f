// SPDX-License-Identifier: GPL-2.0-only
// What processors count of their TLBs, by names of our own. They are different things, which no
// processor counts all of: docs/counters.md has each one's events.
#pragma once

#include <string_view>

namespace tlblab {

struct TlbQuantity {
  std::string_view name;     ///< a key of Counts; "@PMU" follows where core types differ
  std::string_view label;    ///< in reports
  std::string_view meaning;  ///< on whichever processor
  bool common;               ///< listed as missing where there is no event; others are left out
};

/// In the order in which they are shown.
inline constexpr TlbQuantity kTlbQuantities[] = {
    {"dtlb_l1_misses", "dTLB L1 misses",
     "data accesses whose translation the first level lacked, whether the second had it or not",
     true},
    {"dtlb_load_l2_hits", "dTLB L1 misses, L2 hits, loads",
     "loads whose translation the first level lacked and the second had: no walk", false},
    {"dtlb_store_l2_hits", "dTLB L1 misses, L2 hits, stores",
     "stores whose translation the first level lacked and the second had: no walk", false},
    {"dtlb_l2_misses", "dTLB L2 misses", "data accesses whose translation both levels lacked",
     true},
    {"dtlb_walks", "dTLB walks", "page walks for data", true},
    {"dtlb_load_walks", "dTLB walks completed, loads",
     "page walks for loads that ran to their end, be it a page or a fault", false},
    {"dtlb_store_walks", "dTLB walks completed, stores",
     "page walks for stores that ran to their end, be it a page or a fault", false},
    {"dtlb_walk_cycles", "dTLB walk cycles", "cycles in which a page walk for data was under way",
     true},
    {"dtlb_load_walk_cycles", "dTLB walk cycles, loads",
     "cycles in which a page walk for a load was under way", false},
    {"dtlb_store_walk_cycles", "dTLB walk cycles, stores",
     "cycles in which a page walk for a store was under way", false},
    {"itlb_l1_misses", "iTLB L1 misses",
     "instruction fetches whose translation the first level lacked, whether the second had it or "
     "not",
     true},
    {"itlb_l2_hits", "iTLB L1 misses, L2 hits",
     "instruction fetches whose translation the first level lacked and the second had: no walk",
     false},
    {"itlb_l2_misses", "iTLB L2 misses", "instruction fetches whose translation both levels lacked",
     true},
    {"itlb_walks", "iTLB walks", "page walks for instruction fetches", true},
    {"itlb_walk_cycles", "iTLB walk cycles",
     "cycles in which a page walk for an instruction fetch was under way", true},
};

}  // namespace tlblab
