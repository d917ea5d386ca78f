// SPDX-License-Identifier: GPL-2.0-only
// The gather: what was cleared and is still owed to other CPUs. Its destruction settles the debt.
//
// The rule. For each page that is unmapped, in this order:
//
//   1. clear    its entry is emptied, atomically, under the page table's lock
//   2. flush    a request that began after (1) and covers the page has completed
//   3. release  its frame may be used again; no table lock is held
//
// 1 before 2, because until the entry is empty any CPU that has the mm loaded may load the
// translation again, the initiator's own table walker included. 2 before 3, because until the flush
// has completed a CPU may use the translation without looking at the table. Schemes differ only in
// how many pages share one (2). The strict release adds: all three before the operation returns.
//
// The race that this survives (thread 004: "ARM: tlb: delay page freeing for SMP and ARMv7 CPUs"):
//
//      CPU 0, the initiator        CPU 1, same mm                  CPU 2, anyone
//   1  empties the entry of A
//   2                              writes A through its TLB:
//                                  allowed, nothing was promised
//   3  flushes A, and waits        forgets the translation
//   4  releases A's frame
//   5                                                              gets the frame, writes its data
//   6                              touches A: walks, finds no
//                                  entry, faults
//
//   With 4 before 3, CPU 1 at 6 still has its translation and writes into CPU 2's data. With 3
//   before 1, CPU 1 loads it again between the two, with the same end.
//
// The race that this alone does not survive (thread 002: "skip entries since pte_none() was true"):
//
//      CPU 0, the initiator        CPU 1, same mm                  CPU 3, an initiator too
//   1  empties the entry of A;
//      the flush is pending
//   2                                                              unmaps A as well: the entry is
//                                                                  empty, so it owes nothing and
//                                                                  returns
//   3                              writes A through its TLB, after an unmap of A returned
//   4  flushes A
//
//   The kernel sees that gathers were nested and flushes more when each of them finishes. Here the
//   caller of lab_core_perform() owns its ranges, so (2) waits until CPU 0 has settled everything.
//
// The functions:
//
//   room()    entries that may be cleared before the batch is full
//   slots()   where the frames of the next span go; room() of them
//   add()     a span was cleared: records its extent, and its frames, which are in slots() already
//   flush()   step 2 for all that was added, if anything was since the last flush. No debt, no
//             request. Allowed under a table lock.
//   settle()  flush(), then step 3 for all that was added. No lock is held; offers to yield.
//   ~Gather() settle()
//
// The fields:
//
//   extent_     pages cleared and not flushed: the debt of step 2
//   frames_     frames of pages cleared and not released: the debt of step 3. Packed; a frame may
//               be there several times, once for each of its mappings.
//   nr_frames_  how many; the extent may be empty while there are some, but not the reverse
//   limit_      the most frames pending: the batch
#pragma once

#include "kmod/core/gather/extent.hh"
#include "kmod/core/operation.hh"
#include "kmod/core/platform.hh"

namespace tlblab::core {

/// Why a flush was issued.
enum class Cause : bool {
  kRegular,  ///< the scheme says so
  kBatch,    ///< the batch was full, and there is more to clear
};

/// Frames released between two offers to yield the CPU.
inline constexpr u64 kReleaseRun = u64{4} * kSpanEntries;

template <Platform P, class Extent>
class Gather {
 public:
  /// `frames`: memory for `limit` of them, at least 1, owned by the caller.
  Gather(Operation<P>& operation, const Extent& extent, void** frames, u64 limit)
      : operation_(operation), extent_(extent), frames_(frames), limit_(limit) {}
  ~Gather() { settle(Cause::kRegular); }
  Gather(const Gather&) = delete;
  Gather& operator=(const Gather&) = delete;

  u64 room() const { return limit_ - nr_frames_; }
  void** slots() { return frames_ + nr_frames_; }

  /// `mask`: what Platform::clear_span() has cleared. Returns how many entries that are.
  u32 add(u64 address, u64 mask) {
    if (mask == 0) return 0;
    const u32 nr = count_entries(mask);
    extent_.record(address, mask);
    nr_frames_ += nr;
    return nr;
  }

  void flush(Cause cause) {
    if (extent_.is_empty()) return;
    const bool forced = cause == Cause::kBatch;
    tlblab_account& account = operation_.account();
    operation_.charge(account.clear_ns);
    if (extent_.is_whole()) {
      ++account.full;
      operation_.count_request(operation_.platform().flush_mm(), forced);
    } else {
      const u32 step = P::kOneIntervalPerRequest ? 1 : extent_.nr_intervals();
      for (u32 i = 0; i < extent_.nr_intervals(); i += step) {
        operation_.count_request(operation_.platform().flush(extent_.intervals() + i, step),
                                 forced);
      }
      account.flushed_pages += extent_.pages();
    }
    extent_.clear();
    operation_.charge(account.flush_ns);
  }

  void settle(Cause cause) {
    flush(cause);
    if (nr_frames_ == 0) return;
    tlblab_account& account = operation_.account();
    operation_.charge(account.clear_ns);
    for (u64 done = 0; done < nr_frames_;) {
      const u64 nr = smaller<u64>(nr_frames_ - done, kSpanEntries);
      account.released += operation_.platform().release(frames_ + done, static_cast<u32>(nr));
      done += nr;
      // Told to stop, it goes on all the same: what is owed is owed.
      if (done % kReleaseRun == 0 || done == nr_frames_) operation_.resched();
    }
    nr_frames_ = 0;
    operation_.charge(account.release_ns);
  }

 private:
  Operation<P>& operation_;
  Extent extent_;
  void** frames_;
  u64 nr_frames_ = 0;
  u64 limit_;
};

}  // namespace tlblab::core
