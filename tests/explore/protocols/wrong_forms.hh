// SPDX-License-Identifier: GPL-2.0-only
// Wrong forms of the protocols, as they were proposed or shipped: the explorer must find what is
// wrong with each. The right forms, and the races, are beside this file and in kmod/core.
#pragma once

#include "kmod/core/credit.hh"
#include "kmod/core/words.hh"
#include "tests/explore/machine.hh"
#include "tests/explore/protocols/pending.hh"
#include "tests/explore/protocols/table_release.hh"

namespace tlblab::explore {

/// One flag for the mm, cleared after the flush: set_tlb_ubc_flush_pending() and
/// flush_tlb_batched_pending() until Linux 5.17 (thread 000, the second bug).
template <core::Words W>
class FlagClearedAfterFlush {
 public:
  FlagClearedAfterFlush(W& words, typename W::Word& flag) : words_(words), flag_(flag) {}

  void add() { words_.store(flag_, 1, core::Order::kRelaxed); }
  template <class Flush>
  void settle(Flush flush) {
    if (words_.load(flag_, core::Order::kAcquire) == 0) return;
    flush();
    words_.store(flag_, 0, core::Order::kRelease);
  }

 private:
  W& words_;
  typename W::Word& flag_;
};

/// A flush of one change's addresses is credited as a flush of everything up to that change.
template <core::Words W>
class CoarseCredit : public core::Credit<W> {
 public:
  CoarseCredit(W& words, typename W::Word& changed, typename W::Word& settled)
      : core::Credit<W>(words, changed, settled), words_(words), settled_(settled) {}

  void flushed_range(u64 change) {
    for (;;) {
      const u64 settled = words_.load(settled_, core::Order::kRelaxed);
      if (settled >= change) return;
      if (words_.exchange_if(settled_, settled, change, core::Order::kFull)) return;
    }
  }

 private:
  W& words_;
  typename W::Word& settled_;
};

/// The orders in which a table can be given back wrongly (thread 004).
enum class TableFault : u8 {
  kNoFlushAfter,     ///< the entries' flush was the only one
  kFlushBefore,      ///< one more, but before the table is unhooked
  kFreeBeforeFlush,  ///< one after it is unhooked, but it is free already
};

template <core::TablePlatform P>
void release_table_wrongly(P& platform, TableFault fault, u32 table, u64 start, u64 end) {
  if (fault == TableFault::kFlushBefore) platform.flush_tables(start, end);
  platform.unhook_table(table);
  platform.free_table(table);
  if (fault == TableFault::kFreeBeforeFlush) platform.flush_tables(start, end);
}

}  // namespace tlblab::explore
