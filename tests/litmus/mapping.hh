// SPDX-License-Identifier: GPL-2.0-only
// Holds the module's objects against what platform.hh writes down: that each step of a flush is the
// instructions which herd7 was asked about, and that the core takes the steps in their order.
//
// On every way through a function, from its first instruction to its return, with and without what
// the kernel patches in at boot. Instructions that bear on the order of memory or on TLBs must come
// as listed, and no others may; what else the function does is its own affair. Operands (which
// page, which ASID) are not looked at.
#pragma once

#include <string>
#include <vector>

#include "tests/litmus/disassembly.hh"

namespace tlblab::litmus {

struct MappingCheck {
  std::string name;   ///< what was looked at
  std::string fault;  ///< what is wrong with it; empty: nothing
};

/// One result for each step of a flush, and each operation on a word, that kmod/boundary/kernel.h
/// declares; `objects`: where they are defined.
std::vector<MappingCheck> check_steps(const std::vector<Disassembly>& objects);

/// One result for each function of the core that begins a flush, and one if there is none.
std::vector<MappingCheck> check_order(const Disassembly& core);

}  // namespace tlblab::litmus
