// SPDX-License-Identifier: GPL-2.0-only
// The contract of the machine below the core. It is implemented by the kernel (kernel_platform.hh
// over kmod/boundary/kernel.h), by a fake for host tests (tests/unit), and by a model that explores
// interleavings (tests/explore). The core accesses memory, locks and other CPUs only through it.
//
// It is split into small concepts, so that each part of the core says what it needs, and a machine
// made for one purpose (a benchmark, a litmus test) need not offer more. wrap/forward.hh forwards
// all calls, for wrappers that change some of them. Shared words and their memory order have a
// contract of their own, words.hh.
//
// The core works in spans of at most 64 entries, so that no call is made per entry.
#pragma once

#include <concepts>

#include "kmod/boundary/core.h"
#include "kmod/boundary/kernel.h"

namespace tlblab::core {

using u32 = __u32;
using u64 = __u64;

/// The most entries in one span: the bits of its mask.
inline constexpr u32 kSpanEntries = 64;

/// Number of entries in a span's mask. Written out, because the compiler calls libgcc for
/// std::popcount unless it may use POPCNT, and the kernel has no libgcc.
constexpr u32 count_entries(u64 mask) {
  mask -= (mask >> 1) & 0x5555555555555555;
  mask = (mask & 0x3333333333333333) + ((mask >> 2) & 0x3333333333333333);
  mask = (mask + (mask >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return static_cast<u32>((mask * 0x0101010101010101) >> 56);
}

/// lock_table(vma, start, end, table): locks the first existing leaf table that maps part of
///   [start, end) in `vma`. Returns false, with nothing locked, if there is none. Entries before
///   table.start have no table. At most one table is locked at a time. Between lock_table and
///   unlock_table the core neither sleeps nor calls release or resched_point.
template <class P>
concept LocksTables = requires(P p, lab_table& table, void* vma, u64 address) {
  { p.lock_table(vma, address, address, table) } -> std::same_as<bool>;
  { p.unlock_table(table) } -> std::same_as<void>;
};

/// clear_span(table, address, nr, frames): atomically empties those of `nr` entries (1 to
///   kSpanEntries, all within the locked table and piece) that are present and map a frame of the
///   arena, without losing an accessed or dirty bit that a CPU sets. Returns their mask, and the
///   mask of foreign entries, which stay; writes the frames, packed, to `frames`. A CPU can use a
///   cleared translation until a flush that began later and covers it has completed.
template <class P>
concept ClearsEntries = requires(P p, lab_table& table, u64 address, u32 nr, void** frames) {
  { p.clear_span(table, address, nr, frames) } -> std::same_as<lab_span>;
};

/// flush(request): on return no CPU can use a translation that the request covers and that was
///   cleared before the call. With kOneIntervalPerRequest a request names one interval, or is
///   whole. Allowed under a table lock.
template <class P>
concept Flushes = requires(P p, const lab_flush& request) {
  { P::kOneIntervalPerRequest } -> std::convertible_to<bool>;
  { p.flush(request) } -> std::same_as<lab_flush_cost>;
};

/// release(frames, nr): drops one mapping of each of `nr` frames (1 to kSpanEntries). To be called
///   after a flush that covers it. Returns the number of frames that nothing maps any more.
template <class P>
concept ReleasesFrames = requires(P p, void* const* frames, u32 nr) {
  { p.release(frames, nr) } -> std::same_as<u64>;
};

/// reserve_span(vma, address, nr): takes a frame for each of `nr` entries (1 to kSpanEntries) that
///   is empty, and makes the entry busy: faults on it wait. May sleep.
/// set_span(vma, address, nr, reserved): maps the frames of those that were reserved; what it could
///   not map stays reserved. To be called when no CPU can use what these entries held before. May
///   sleep.
/// unreserve_span(vma, address, reserved): makes these entries empty again and gives their frames
///   back.
template <class P>
concept SetsEntries = requires(P p, void* vma, u64 address, u32 nr, u64 reserved) {
  { p.reserve_span(vma, address, nr) } -> std::same_as<lab_reserved>;
  { p.set_span(vma, address, nr, reserved) } -> std::same_as<lab_set>;
  { p.unreserve_span(vma, address, reserved) } -> std::same_as<void>;
};

/// take_left(vma, frames): takes up to kSpanEntries of the frames that entries of `vma` mapped when
///   munmap() or exit emptied and flushed them. Returns how many; 0: no more. May sleep.
template <class P>
concept KnowsWhatIsLeft = requires(P p, void* vma, void** frames) {
  { p.take_left(vma, frames) } -> std::same_as<u32>;
};

/// resched_point(): called without locks; may sleep. False: stop as soon as debts are settled.
template <class P>
concept Yields = requires(P p) {
  { p.resched_point() } -> std::same_as<bool>;
};

/// clock_ns(): monotonic for one initiator.
template <class P>
concept HasClock = requires(P p) {
  { p.clock_ns() } -> std::same_as<u64>;
};

/// stop_before(step, subject, may_yield): returns when the step may be taken. `step` is an enum
///   tlblab_step, `subject` is as in struct tlblab_pace, but a frame is given by its handle.
///   `may_yield`: no table is locked.
template <class P>
concept Stops = requires(P p, u32 step, u64 subject, bool may_yield) {
  { p.stop_before(step, subject, may_yield) } -> std::same_as<void>;
};

/// What an operation that removes entries needs.
template <class P>
concept GathersOn = LocksTables<P> && ClearsEntries<P> && Flushes<P> && ReleasesFrames<P> &&
    Yields<P> && HasClock<P>;

/// All that the core needs of a machine, unless an operation is paced.
template <class P>
concept Platform = GathersOn<P> && SetsEntries<P> && KnowsWhatIsLeft<P>;

}  // namespace tlblab::core
