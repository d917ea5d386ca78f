// SPDX-License-Identifier: GPL-2.0-only
// The contract of the machine below the core. It is fulfilled by the kernel
// (kernel_platform.hh over kmod/boundary/kernel.h), by a fake for host tests (tests/unit), and by a
// model that explores interleavings (tests/explore). The core reaches memory, locks and other CPUs
// in no other way.
//
// It comes in small concepts, so that each part of the core says what it needs, and a machine made
// for one purpose (a benchmark, a litmus test) offers no more. wrap/forward.hh hands all of it on,
// for those who change a part. Shared words and their memory order are a contract of their own,
// words.hh.
//
// The core works in spans of at most 64 entries, so that no call is made per entry.
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

/// lock_table(vma, start, end, table): the first existing leaf table that maps something of
///   [start, end) in `vma`; false, and nothing locked, if there is none. Entries before table.start
///   have no table. At most one table is locked at a time. Between lock_table and unlock_table the
///   core neither sleeps nor calls release or resched_point.
template <class P>
concept LocksTables = requires(P p, lab_table& table, void* vma, u64 address) {
  { p.lock_table(vma, address, address, table) } -> std::same_as<bool>;
  { p.unlock_table(table) } -> std::same_as<void>;
};

/// clear_span(table, address, nr, frames): atomically empties those of `nr` entries (1 to
///   kSpanEntries, all within the locked table and piece) that are present and map a frame of the
///   arena, such that no accessed or dirty bit that a CPU sets is lost. Returns their mask, and
///   that of entries which are somebody else's and stay; the frames, packed, in `frames`. A CPU can
///   use a cleared translation until a flush that began after covers it.
template <class P>
concept ClearsEntries = requires(P p, lab_table& table, u64 address, u32 nr, void** frames) {
  { p.clear_span(table, address, nr, frames) } -> std::same_as<lab_span>;
};

/// flush(request): on return no CPU can use a translation that the request covers and that was
///   cleared before the call. With kOneIntervalPerRequest it names one interval, or is whole.
///   Allowed under a table lock.
template <class P>
concept Flushes = requires(P p, const lab_flush& request) {
  { P::kOneIntervalPerRequest } -> std::convertible_to<bool>;
  { p.flush(request) } -> std::same_as<lab_flush_cost>;
};

/// release(frames, nr): one mapping of each frame (1 to kSpanEntries) is gone for good, to be
///   called after a flush that covers it. Returns the number of frames nothing maps any more.
template <class P>
concept ReleasesFrames = requires(P p, void* const* frames, u32 nr) {
  { p.release(frames, nr) } -> std::same_as<u64>;
};

/// reserve_span(vma, address, nr): takes a frame for each of `nr` entries (1 to kSpanEntries) that
///   is empty, and makes the entry busy: who faults on it waits. May sleep.
/// set_span(vma, address, nr, reserved): maps the frames of those that were reserved; what it could
///   not map stays reserved. To be called when no CPU can use what these entries held before. May
///   sleep.
/// unreserve_span(vma, address, reserved): these are empty again, and their frames given back.
template <class P>
concept SetsEntries = requires(P p, void* vma, u64 address, u32 nr, u64 reserved) {
  { p.reserve_span(vma, address, nr) } -> std::same_as<lab_reserved>;
  { p.set_span(vma, address, nr, reserved) } -> std::same_as<lab_set>;
  { p.unreserve_span(vma, address, reserved) } -> std::same_as<void>;
};

/// take_left(vma, frames): kSpanEntries at most of the frames that entries of `vma` mapped when
///   munmap() or exit emptied and flushed them; 0 when there are no more.
template <class P>
concept KnowsWhatIsLeft = requires(P p, void* vma, void** frames) {
  { p.take_left(vma, frames) } -> std::same_as<u32>;
};

/// resched_point(): no lock held; may sleep. False: stop as soon as debts are settled.
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
///   tlblab_step, `subject` as struct tlblab_pace says, but that of a frame is its handle.
///   `may_yield`: no table is locked.
template <class P>
concept Stops = requires(P p, u32 step, u64 subject, bool may_yield) {
  { p.stop_before(step, subject, may_yield) } -> std::same_as<void>;
};

/// What an operation that takes entries away needs.
template <class P>
concept GathersOn = LocksTables<P> && ClearsEntries<P> && Flushes<P> && ReleasesFrames<P> &&
    Yields<P> && HasClock<P>;

/// All that the core may ask of a machine on which no operation is paced.
template <class P>
concept Platform = GathersOn<P> && SetsEntries<P> && KnowsWhatIsLeft<P>;

}  // namespace tlblab::core
