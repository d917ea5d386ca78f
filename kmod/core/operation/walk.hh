// SPDX-License-Identifier: GPL-2.0-only
// The walk over an operation's pieces: VMA by VMA, table by table, span by span. The action says
// what is done to an entry, the gather when other CPUs are told.
//
// The batch. If the batch is full and there is another entry to look at, the table's lock is
// dropped, the gather makes room, and the lock is taken again. So a batch of exactly the number of
// pages forces nothing. Gathers that flush under the lock (per-page, per-table) owe no flush once
// it is dropped, and let the table's frames go right then: their batch is empty again at each
// table, and a full batch of per-page costs only the release and a relock, never a request.
#pragma once

#include <bit>

#include "kmod/core/gather/gather.hh"
#include "kmod/core/operation.hh"
#include "kmod/core/platform.hh"

namespace tlblab::core {

/// Tables that one search covers, so that a wide hole has resched points too. Searches end at
/// multiples of it, so that no table is split.
inline constexpr u64 kSearchTables = 512;

/// Entries flushed one by one before a table's lock is dropped and taken again: with large pages a
/// table has thousands.
inline constexpr u64 kFlushRun = 512;

/// visit(table, address, nr): handles `nr` entries (1 to kSpanEntries) of a locked table, and tells
///   the gather. Takes no more frames than the batch has room for.
/// skip(nr): `nr` entries have no table.
template <class A>
concept Action = requires(A a, lab_table& table, u64 address, u32 nr, u64 nr_skipped) {
  { a.visit(table, address, nr) } -> std::same_as<void>;
  { a.skip(nr_skipped) } -> std::same_as<void>;
};

template <LocksTables P, class Gather, Action Act>
class Walk {
 public:
  Walk(Operation<P>& operation, const lab_plan& plan, Gather& gather, Act& action)
      : operation_(operation),
        plan_(plan),
        gather_(gather),
        action_(action),
        page_shift_(plan.page_shift),
        table_shift_(plan.page_shift + static_cast<u32>(std::countr_zero(plan.entries_per_table))) {
  }

  /// On return all that was done is settled, even if the operation was told to stop.
  void run() {
    const void* vma = nullptr;
    for (u64 i = 0; i < plan_.nr_pieces && !operation_.stopped(); ++i) {
      const lab_piece& piece = plan_.pieces[i];
      if (i == 0 || piece.vma != vma) {
        gather_.leave_vma();
        ++operation_.account().vmas;
        vma = piece.vma;
        counted_table_ = kNoTable;
      }
      walk_piece(piece);
    }
    gather_.finish();
  }

 private:
  static constexpr u64 kNoTable = ~u64{0};

  void walk_piece(const lab_piece& piece) {
    u64 address = piece.start;
    while (address < piece.end && !operation_.stopped()) {
      if (gather_.batch().room() == 0) {
        gather_.make_room();
        if (operation_.stopped()) return;
      }
      address = walk_next_table(piece, address);
    }
  }

  /// Visits the entries of the first table from `address` on, as far as the batch allows. Returns
  /// where to continue.
  u64 walk_next_table(const lab_piece& piece, u64 address) {
    const u64 search_bytes = kSearchTables << table_shift_;
    const u64 search_end = smaller<u64>(piece.end, (address | (search_bytes - 1)) + 1);
    lab_table table;
    if (!operation_.platform().lock_table(piece.vma, address, search_end, table)) {
      action_.skip((search_end - address) >> page_shift_);
      operation_.resched();
      return search_end;
    }
    action_.skip((table.start - address) >> page_shift_);
    count_table(table.start);
    const u64 next = visit_entries(table);
    gather_.leave_table(next == table.end);
    operation_.platform().unlock_table(table);
    operation_.resched();
    gather_.left_table();
    return next;
  }

  u64 visit_entries(lab_table& table) {
    constexpr bool one_by_one = Gather::kAtEachEntry;
    u64 address = table.start;
    u64 end = table.end;
    if constexpr (one_by_one) end = smaller<u64>(end, address + (kFlushRun << page_shift_));
    while (address < end && gather_.batch().room() != 0) {
      const u64 left = smaller<u64>((end - address) >> page_shift_, gather_.batch().room());
      const auto nr = static_cast<u32>(smaller<u64>(left, one_by_one ? 1 : kSpanEntries));
      action_.visit(table, address, nr);
      if constexpr (one_by_one) gather_.leave_entry();
      address += u64{nr} << page_shift_;
    }
    return address;
  }

  /// Counts a table once for each VMA visit, however often it is locked.
  void count_table(u64 address) {
    const u64 table = address >> table_shift_;
    if (table == counted_table_) return;
    counted_table_ = table;
    ++operation_.account().tables;
  }

  Operation<P>& operation_;
  const lab_plan& plan_;
  Gather& gather_;
  Act& action_;
  u32 page_shift_;
  u32 table_shift_;
  u64 counted_table_ = kNoTable;
};

}  // namespace tlblab::core
