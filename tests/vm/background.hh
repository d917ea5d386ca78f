// SPDX-License-Identifier: GPL-2.0-only
// What runs beside the workers of random_calls: a process that watches its memory, and one that
// makes memory short.
#pragma once

#include <cstdint>

#include "tests/vm/random_caller.hh"

namespace tlblab::vm {

/// The calling thread may run everywhere: tests begin pinned to a CPU.
void use_all_cpus();

/// Runs in a process of its own until shared.end: fills memory that nobody else may change and
/// keeps checking it. Returns an exit status.
int watch_memory(SharedState& shared, std::uint64_t bytes);

/// Runs in a process of its own until shared.end: makes memory short, but not so short that
/// anything is killed, drops caches, and makes allocations of the module fail. Returns an exit
/// status.
int use_up_memory(SharedState& shared, std::uint64_t seed);

}  // namespace tlblab::vm
