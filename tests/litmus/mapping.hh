// SPDX-License-Identifier: GPL-2.0-only
// Compares the module's objects with what platform.hh writes down: each step of a flush must be the
// instructions that herd7 was asked about, and the core must take the steps in their order.
//
// Every path through a function is followed, from its first instruction to its return, with and
// without what the kernel patches in at boot. Instructions that affect the order of memory or TLBs
// must come as listed, and no others may; other instructions are ignored. Operands (which page,
// which ASID) are not checked.
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
