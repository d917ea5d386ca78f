// SPDX-License-Identifier: GPL-2.0-only
// Who is there besides the players of random_calls.
#pragma once

#include <cstdint>

#include "tests/vm/random_caller.hh"

namespace tlblab::vm {

/// The calling thread may run everywhere: tests begin pinned to a CPU.
void use_all_cpus();

/// A process's work, until the board's end: holds memory that nobody may change, and looks at it
/// all the time. Returns an exit status.
int watch(Board& board, std::uint64_t bytes);

/// A process's work, until the board's end: makes memory short, as far as that kills nobody, has
/// the kernel take back what it can, and lets allocations of the module fail. Returns an exit
/// status.
int press(Board& board, std::uint64_t seed);

}  // namespace tlblab::vm
