// SPDX-License-Identifier: GPL-2.0-only
// Sets entries and closes VMAs: the two ends of an address's life in the arena, guarded by the rule
// of safety/leftovers.hh.
//
//      populate                              munmap(), exit
//   1  forget: no CPU has a translation      the kernel empties and flushes what it finds
//      of what was there before
//   2  reserve frames, make entries busy     forget: what it did not find
//   3  set the entries                       release the frames that the entries had mapped
//
// On the left 1 comes before 3, or a CPU could go on using a translation that a scheme left behind,
// and miss the new mapping. On the right 2 comes before 3, as for any release (gather.hh).
#pragma once

#include "kmod/core/gather/extent.hh"
#include "kmod/core/platform.hh"
#include "kmod/core/requests.hh"

namespace tlblab::core {

/// On return no CPU has a translation of the address space that was cleared before the call.
/// `Rule`: Leftovers.
template <Flushes P, class Rule>
void forget(P& platform, Rule& leftovers) {
  leftovers.forget([&platform] {
    lab_flush everything{};
    everything.whole = true;
    platform.flush(everything);
  });
}

/// lab_core_populate() on any platform.
template <class P, class Rule>
requires SetsEntries<P> && Flushes<P> && Yields<P>
int populate(P& platform, Rule& leftovers, const lab_piece* pieces, u64 nr_pieces, u32 page_shift,
             u64& populated) {
  bool foreign = false;
  forget(platform, leftovers);
  for (u64 i = 0; i < nr_pieces; ++i) {
    const lab_piece& piece = pieces[i];
    u32 nr = 0;
    for (u64 address = piece.start; address < piece.end; address += u64{nr} << page_shift) {
      nr = static_cast<u32>(smaller<u64>((piece.end - address) >> page_shift, kSpanEntries));
      const lab_reserved reserved = platform.reserve_span(piece.vma, address, nr);
      lab_set set{};
      if (reserved.mask != 0) set = platform.set_span(piece.vma, address, nr, reserved.mask);
      const u64 left = reserved.mask & ~set.mask;
      if (left != 0) platform.unreserve_span(piece.vma, address, left);
      populated += count_entries(set.mask);
      if (set.foreign != 0) foreign = true;  // the rest is populated all the same
      if (reserved.error != 0) return reserved.error;
      if (set.error != 0) return set.error;
      if (!platform.resched_point()) return kEintr;
    }
  }
  return foreign ? kEuclean : 0;
}

/// lab_core_close() on any platform.
template <class P, class Rule>
requires KnowsWhatIsLeft<P> && ReleasesFrames<P> && Flushes<P> && Yields<P>
void close(P& platform, Rule& leftovers, void* vma) {
  void* frames[kSpanEntries];
  forget(platform, leftovers);
  while (const u32 nr = platform.take_left(vma, frames)) {
    platform.release(frames, nr);
    platform.resched_point();
  }
}

}  // namespace tlblab::core
