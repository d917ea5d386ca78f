// SPDX-License-Identifier: GPL-2.0-only
// What a gather owes to other CPUs: the addresses of the entries cleared since the last flush, and
// how the next flush is made.
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

template <Flushes P, class Extent>
class Debt {
 public:
  /// `how`: the request, but for what it covers.
  Debt(Operation<P>& operation, const Extent& extent, const lab_flush& how)
      : operation_(operation), extent_(extent), request_(how) {}

  /// `mask`: not 0; bit i is the entry of page i from `address`.
  void add(u64 address, u64 mask) { extent_.record(address, mask); }

  bool is_empty() const { return extent_.is_empty(); }

  /// On return no CPU can use the translations that were added. Not to be called if is_empty().
  /// Allowed under a table lock.
  void flush(Cause cause) {
    const bool forced = cause == Cause::kBatch;
    tlblab_account& account = operation_.account();
    operation_.charge(account.clear_ns);
    if (extent_.is_whole()) {
      ++account.full;
      request_.whole = true;
      operation_.count_request(operation_.platform().flush(request_), forced);
      request_.whole = false;
    } else {
      request_.nr_intervals = P::kOneIntervalPerRequest ? 1 : extent_.nr_intervals();
      for (u32 i = 0; i < extent_.nr_intervals(); i += request_.nr_intervals) {
        request_.intervals = extent_.intervals() + i;
        operation_.count_request(operation_.platform().flush(request_), forced);
      }
      account.flushed_pages += extent_.pages();
    }
    extent_.clear();
    operation_.charge(account.flush_ns);
  }

 private:
  Operation<P>& operation_;
  Extent extent_;
  lab_flush request_;
};

}  // namespace tlblab::core
