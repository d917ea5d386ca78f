// SPDX-License-Identifier: GPL-2.0-only
// Freeing page tables. They need a flush of their own: flushing the entries in them is not enough.
//
// The rule. For each table: unhook it from the upper level, then flush the addresses that it mapped
// from TLBs and walk caches, then free it. The flush must begin after the unhooking, because until
// then any walker may load the pointer again; and before the freeing, because until then a walker
// that has the pointer reads in the table, whatever is in there now.
//
// The race that this survives (thread 004, ARM before "ARM: tlb: delay page freeing for SMP and
// ARMv7 CPUs": the only flush is the one for the entries):
//
//      CPU 0, the initiator              CPU 1, same mm
//   1  empties the table's entries
//   2  flushes them, and waits           forgets its translations
//   3                                    its walker loads the pointer to the table
//   4  unhooks the table
//   5  frees it: it gets other data
//   6                                    its walker reads an entry there: other data
//
// Not here: walkers in software (gup_fast), which no flush stops. They need an interrupt or RCU
// between the unhooking and the freeing.
#pragma once

#include <concepts>

#include "kmod/core/platform.hh"

namespace tlblab::core {

/// What a platform must offer:
/// unhook_table(table): clears the upper level's pointer to an empty leaf table. It cannot be
/// hooked
///   again meanwhile (the mmap lock is held for writing).
/// flush_tables(start, end): on return no CPU has a translation of [start, end), or a pointer to a
///   table that maps any of it, which was unhooked before the call. On arm64 not with the TLBI of
///   the last level alone.
/// free_table(table): it may be used for anything.
template <class P>
concept TablePlatform = requires(P p, u32 table, u64 address) {
  { p.unhook_table(table) } -> std::same_as<void>;
  { p.flush_tables(address, address) } -> std::same_as<void>;
  { p.free_table(table) } -> std::same_as<void>;
};

/// Gives back the leaf tables `tables[0..nr)`, which map [start, end) and are empty, under one
/// flush. Sleeps if the platform's calls do.
template <TablePlatform P>
void release_tables(P& platform, const u32* tables, u32 nr, u64 start, u64 end) {
  if (nr == 0) return;
  for (u32 i = 0; i < nr; ++i) platform.unhook_table(tables[i]);
  platform.flush_tables(start, end);
  for (u32 i = 0; i < nr; ++i) platform.free_table(tables[i]);
}

}  // namespace tlblab::core
