// SPDX-License-Identifier: GPL-2.0-only
// The contract of the machine below the core. It is fulfilled by the kernel
// (kernel_platform.hh over kmod/boundary/kernel.h), by a fake for host tests (tests/unit), and by a
// model that explores interleavings (tests/explore). The core reaches memory, locks and other CPUs
// in no other way.
//
// The core works in spans of at most 64 entries, so that no call is made per entry. Shared words
// and their memory order are a contract of their own, words.hh. What a later scheme needs besides
// (RCU, frames copied, secondary MMUs) joins this one when that scheme does.
#pragma once

#include <concepts>

#include "kmod/boundary/core.h"
#include "kmod/boundary/kernel.h"

namespace tlblab::core {

using u32 = __u32;
using u64 = __u64;

/// Entries that one span holds at most: the bits of its mask.
inline constexpr u32 kSpanEntries = 64;

/// Entries of a span's mask. By hand: without a POPCNT that it may use, the compiler calls libgcc
/// for std::popcount, which the kernel does not have.
constexpr u32 count_entries(u64 mask) {
  mask -= (mask >> 1) & 0x5555555555555555;
  mask = (mask & 0x3333333333333333) + ((mask >> 2) & 0x3333333333333333);
  mask = (mask + (mask >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return static_cast<u32>((mask * 0x0101010101010101) >> 56);
}

/// What a platform must offer. Order and context of the calls:
///
/// lock_table(vma, start, end, table): the first existing leaf table that maps something of
///   [start, end) in `vma`; false, and nothing locked, if there is none. Entries before table.start
///   have no table. At most one table is locked at a time. Between lock_table and unlock_table the
///   core neither sleeps nor calls release or resched_point.
/// clear_span(table, address, nr, frames): atomically empties those of `nr` entries (1 to
///   kSpanEntries, all within the locked table and piece) that are present and map a frame of the
///   arena, such that no accessed or dirty bit that a CPU sets is lost. Returns their mask, and
///   that of entries which are somebody else's and stay; the frames, packed, in `frames`. A CPU can
///   use a cleared translation until a flush that began after covers it.
/// flush(intervals, nr): on return no CPU can use a translation of these intervals that was cleared
///   before the call. nr is 1 where kOneIntervalPerRequest. Allowed under a table lock.
/// flush_mm(): the same for the whole address space.
/// release(frames, nr): one mapping of each frame (1 to kSpanEntries) is gone for good, to be
///   called after a flush that covers it. Returns the number of frames nothing maps any more.
/// resched_point(): no lock held; may sleep. False: stop as soon as debts are settled.
/// clock_ns(): monotonic for one initiator.
template <class P>
concept Platform = requires(P p, lab_table& table, void* vma, u64 address, u32 nr, void** frames,
                            void* const* released, const lab_interval* intervals) {
  { P::kOneIntervalPerRequest } -> std::convertible_to<bool>;
  { p.lock_table(vma, address, address, table) } -> std::same_as<bool>;
  { p.unlock_table(table) } -> std::same_as<void>;
  { p.clear_span(table, address, nr, frames) } -> std::same_as<lab_span>;
  { p.flush(intervals, nr) } -> std::same_as<lab_flush_cost>;
  { p.flush_mm() } -> std::same_as<lab_flush_cost>;
  { p.release(released, nr) } -> std::same_as<u64>;
  { p.resched_point() } -> std::same_as<bool>;
  { p.clock_ns() } -> std::same_as<u64>;
};

}  // namespace tlblab::core
