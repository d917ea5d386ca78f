// SPDX-License-Identifier: GPL-2.0-only
// The operation unmap: what it does to the entries of its ranges.
#pragma once

#include "kmod/core/operation.hh"
#include "kmod/core/platform.hh"

namespace tlblab::core {

/// An action (walk.hh): empties entries, and gives their frames to the gather.
template <ClearsEntries P, class Gather>
class Clear {
 public:
  Clear(Operation<P>& operation, Gather& gather)
      : operation_(operation), account_(operation.account()), gather_(gather) {}

  void visit(lab_table& table, u64 address, u32 nr) {
    const lab_span span =
        operation_.platform().clear_span(table, address, nr, gather_.batch().slots());
    const u32 cleared = gather_.add(address, span.cleared);
    account_.cleared += cleared;
    account_.empty += nr - cleared;
    if (span.foreign != 0) count_foreign(span.foreign);
  }

  void skip(u64 nr) { account_.empty += nr; }

 private:
  /// Foreign entries are left as they are, but they aren't empty either.
  void count_foreign(u64 mask) {
    const u32 nr = count_entries(mask);
    account_.foreign += nr;
    account_.empty -= nr;
  }

  Operation<P>& operation_;
  tlblab_account& account_;
  Gather& gather_;
};

}  // namespace tlblab::core
