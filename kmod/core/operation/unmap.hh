// SPDX-License-Identifier: GPL-2.0-only
// The operation unmap: clears every entry of the ranges under one scheme.
//
// Compiled for what the innermost loop needs, whether it flushes and which extent it records; where
// else the gather pays is looked up at each boundary.
//
// The batch. Before an entry is looked at while the gather is full, the gather is settled, for
// which the table's lock is dropped and taken again. So a batch of exactly the pages that there are
// forces nothing. Gathers that flush under the lock (per-page, per-table) owe no flush once it is
// dropped, and release the table's frames right there: their batch starts anew at each table, and
// per-page's costs only the release and a relock, never a request.
#pragma once

#include <bit>

#include "kmod/core/gather/gather.hh"
#include "kmod/core/operation.hh"
#include "kmod/core/platform.hh"
#include "kmod/core/requests.hh"
#include "kmod/core/schemes.hh"

namespace tlblab::core {

/// Tables that one search covers, so that a wide hole has resched points too. Searches end at
/// multiples of it: no table is cut.
inline constexpr u64 kSearchTables = 512;

/// Entries flushed one by one before a table's lock is dropped and taken again: those of large
/// pages have thousands.
inline constexpr u64 kFlushRun = 512;

template <Platform P, class Extent, bool kFlushEachEntry>
class Unmap {
 public:
  Unmap(Operation<P>& operation, const Scheme& scheme, const lab_plan& plan)
      : operation_(operation),
        account_(operation.account()),
        plan_(plan),
        flush_at_(scheme.flush_at),
        page_shift_(plan.page_shift),
        table_shift_(plan.page_shift + static_cast<u32>(std::countr_zero(plan.entries_per_table))),
        gather_(operation,
                Extent(plan.intervals, scheme.whole_mm ? 0 : plan.ceiling_pages, plan.page_shift),
                plan.frames, batch_limit(plan)) {}

  /// Everything cleared is settled when this object is gone, not before.
  void run() {
    const void* vma = nullptr;
    for (u64 i = 0; i < plan_.nr_pieces && !operation_.stopped(); ++i) {
      const lab_piece& piece = plan_.pieces[i];
      if (i == 0 || piece.vma != vma) {
        if (flush_at_ <= Boundary::kVma) gather_.settle(Cause::kRegular);
        ++account_.vmas;
        vma = piece.vma;
        counted_table_ = kNoTable;
      }
      clear_piece(piece);
    }
  }

 private:
  static constexpr u64 kNoTable = ~u64{0};

  static u64 batch_limit(const lab_plan& plan) {
    const u64 batch_pages = plan.request->batch_pages;
    return batch_pages == 0 ? plan.max_frames : smaller<u64>(batch_pages, plan.max_frames);
  }

  void clear_piece(const lab_piece& piece) {
    u64 address = piece.start;
    while (address < piece.end && !operation_.stopped()) {
      if (gather_.room() == 0) {
        gather_.settle(Cause::kBatch);
        if (operation_.stopped()) return;
      }
      address = clear_next_table(piece, address);
    }
  }

  /// Clears the entries of the first table from `address` on, as far as the batch allows. Returns
  /// where to go on.
  u64 clear_next_table(const lab_piece& piece, u64 address) {
    const u64 search_bytes = kSearchTables << table_shift_;
    const u64 search_end = smaller<u64>(piece.end, (address | (search_bytes - 1)) + 1);
    lab_table table;
    if (!operation_.platform().lock_table(piece.vma, address, search_end, table)) {
      account_.empty += (search_end - address) >> page_shift_;
      operation_.resched();
      return search_end;
    }
    account_.empty += (table.start - address) >> page_shift_;
    count_table(table.start);
    const u64 next = clear_entries(table);
    if (flush_at_ <= Boundary::kTable) {
      gather_.flush(next < table.end ? Cause::kBatch : Cause::kRegular);
    }
    operation_.platform().unlock_table(table);
    operation_.resched();
    if (flush_at_ <= Boundary::kTable) gather_.settle(Cause::kRegular);
    return next;
  }

  u64 clear_entries(lab_table& table) {
    u64 address = table.start;
    u64 end = table.end;
    if constexpr (kFlushEachEntry) end = smaller<u64>(end, address + (kFlushRun << page_shift_));
    while (address < end && gather_.room() != 0) {
      const u64 left = smaller<u64>((end - address) >> page_shift_, gather_.room());
      const auto nr = static_cast<u32>(smaller<u64>(left, kFlushEachEntry ? 1 : kSpanEntries));
      const lab_span span = operation_.platform().clear_span(table, address, nr, gather_.slots());
      const u32 cleared = gather_.add(address, span.cleared);
      account_.cleared += cleared;
      account_.empty += nr - cleared;
      if (span.foreign != 0) count_foreign(span.foreign);
      if constexpr (kFlushEachEntry) gather_.flush(Cause::kRegular);
      address += u64{nr} << page_shift_;
    }
    return address;
  }

  /// Entries that were left. They aren't empty either.
  void count_foreign(u64 mask) {
    const u32 nr = count_entries(mask);
    account_.foreign += nr;
    account_.empty -= nr;
  }

  /// Counts a table once for each VMA visit, however often it is locked.
  void count_table(u64 address) {
    const u64 table = address >> table_shift_;
    if (table == counted_table_) return;
    counted_table_ = table;
    ++account_.tables;
  }

  Operation<P>& operation_;
  tlblab_account& account_;
  const lab_plan& plan_;
  Boundary flush_at_;
  u32 page_shift_;
  u32 table_shift_;
  u64 counted_table_ = kNoTable;
  Gather<P, Extent> gather_;
};

template <class Extent, bool kFlushEachEntry, Platform P>
void run_unmap(Operation<P>& operation, const Scheme& scheme, const lab_plan& plan) {
  Unmap<P, Extent, kFlushEachEntry> unmap(operation, scheme, plan);
  unmap.run();
}

/// lab_core_perform() on any platform.
template <Platform P>
int perform(P& platform, const lab_plan& plan, tlblab_account& account) {
  const tlblab_request& request = *plan.request;
  const Scheme* scheme = find_scheme(request.operation, request.gather);
  if (scheme == nullptr) return kEinval;
  Operation<P> operation(platform, account, (request.flags & TLBLAB_TIME_PHASES) != 0);
  if (scheme->flush_at == Boundary::kEntry) {
    run_unmap<Envelope, true>(operation, *scheme, plan);
  } else if (request.extent == TLBLAB_EXACT) {
    run_unmap<Exact, false>(operation, *scheme, plan);
  } else {
    run_unmap<Envelope, false>(operation, *scheme, plan);
  }
  operation.charge(account.clear_ns);
  if (operation.stopped()) return kEintr;
  return account.foreign != 0 ? kEuclean : 0;
}

}  // namespace tlblab::core
