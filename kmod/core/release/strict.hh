// SPDX-License-Identifier: GPL-2.0-only
// The strict release: frames are let go right after their flush, before the call returns
// (include/asm-generic/tlb.h; thread 004). Other release rules have the same two calls, and may
// keep frames beyond the operation.
//
//   before_flush(batch, locked)  a flush of all that the batch holds is about to begin. `locked`: a
//                                page table is.
//   let_go(batch)                all that the batch holds was flushed. No lock is held; may sleep.
#pragma once

#include "kmod/core/gather/batch.hh"
#include "kmod/core/gather/extent.hh"
#include "kmod/core/operation.hh"

namespace tlblab::core {

template <class R>
concept ReleaseRule = requires(R r, Batch& batch, bool locked) {
  { r.before_flush(batch, locked) } -> std::same_as<void>;
  { r.let_go(batch) } -> std::same_as<void>;
};

/// Frames released between two offers to yield the CPU.
inline constexpr u64 kReleaseRun = u64{4} * kSpanEntries;

/// Releases all of the batch, even if told to stop meanwhile.
template <class P>
void release_batch(Operation<P>& operation, Batch& batch, bool may_yield) {
  if (batch.size() == 0) return;
  tlblab_account& account = operation.account();
  operation.charge(account.clear_ns);
  for (u64 done = 0; done < batch.size();) {
    const u64 nr = smaller<u64>(batch.size() - done, kSpanEntries);
    account.released += operation.platform().release(batch.frames() + done, static_cast<u32>(nr));
    done += nr;
    if (may_yield && (done % kReleaseRun == 0 || done == batch.size())) operation.resched();
  }
  batch.clear();
  operation.charge(account.release_ns);
}

template <ReleasesFrames P>
class Strict {
 public:
  explicit Strict(Operation<P>& operation) : operation_(operation) {}

  void before_flush(Batch& /*batch*/, bool /*locked*/) {}
  void let_go(Batch& batch) { release_batch(operation_, batch, true); }

 private:
  Operation<P>& operation_;
};

}  // namespace tlblab::core
