// SPDX-License-Identifier: GPL-2.0-only
// The flush requests that an unmap must have made: docs/methods.md's table of requests, as code.
//
// Derived from the shape alone, without any of the gather's code, so that agreement means
// something. Used by the driver and the tests, not by the module. A gather without a case here does
// not compile.
#pragma once

#include <tlblab/catalogue.hh>

namespace tlblab::catalogue {

/// Fully populated VMAs, each unmapped whole, as one range, all by a single call. Units: base pages
/// and VMAs; nr_vmas and pages_per_vma are at least 1.
struct ExpectedShape {
  __u64 nr_vmas;
  __u64 pages_per_vma;
  __u64 gap_pages;          ///< from each VMA to the next; 0: they touch
  __u64 first_page;         ///< of the first VMA, counted from the start of its page table
  __u64 entries_per_table;  ///< tlblab_capabilities.entries_per_table
};

/// The scheme's fields that matter here, as in tlblab_request.
struct ExpectedScheme {
  __u32 gather;  ///< one that has a row
  __u32 extent;
  __u64 batch_pages;              ///< 0: no limit
  __u64 ceiling_pages;            ///< the effective one
  bool one_interval_per_request;  ///< kernel shootdown of x86: true; broadcast TLBI: false
};

/// Fields of tlblab_account, exact.
struct ExpectedFlushes {
  __u64 requests;
  __u64 forced;
  __u64 full;
  __u64 flushed_pages;

  bool operator==(const ExpectedFlushes&) const = default;
};

namespace expected_detail {

/// Counts flushes. Pages are numbered in the order in which they are cleared, from 0.
class Tally {
 public:
  constexpr Tally(const ExpectedShape& shape, const ExpectedScheme& scheme)
      : shape_(shape), scheme_(scheme) {}

  /// Counts what the gather flushes. False: that gather has no case here.
  constexpr bool count();

  constexpr ExpectedFlushes result() const { return result_; }

 private:
  /// Pages [page, page + nr) are all cleared between two boundaries at which the gather flushes.
  constexpr void run(__u64 page, __u64 nr) {
    const __u64 batch = scheme_.batch_pages == 0 ? nr : scheme_.batch_pages;
    while (nr > batch) {
      flush(page, batch, true);
      page += batch;
      nr -= batch;
    }
    flush(page, nr, false);
  }

  /// Position of a page, in pages from the start of the first table.
  constexpr __u64 position(__u64 page) const {
    const __u64 vma = page / shape_.pages_per_vma;
    return shape_.first_page + page + vma * shape_.gap_pages;
  }

  constexpr void flush(__u64 page, __u64 nr, bool forced) {
    const __u64 last = page + nr - 1;
    __u64 pages = nr;
    __u64 requests = 1;
    if (scheme_.extent == TLBLAB_ENVELOPE) {
      pages = position(last) - position(page) + 1;
    } else if (scheme_.one_interval_per_request && shape_.gap_pages != 0) {
      requests = last / shape_.pages_per_vma - page / shape_.pages_per_vma + 1;
    }
    if (find(kGathers, scheme_.gather)->whole_mm || pages > scheme_.ceiling_pages) {
      requests = 1;
      ++result_.full;
    } else {
      result_.flushed_pages += pages;
    }
    result_.requests += requests;
    if (forced) result_.forced += requests;
  }

  const ExpectedShape& shape_;
  const ExpectedScheme& scheme_;
  ExpectedFlushes result_{};
};

constexpr bool Tally::count() {
  const __u64 nr_pages = shape_.nr_vmas * shape_.pages_per_vma;
  switch (scheme_.gather) {
    case TLBLAB_PER_PAGE:
      for (__u64 page = 0; page < nr_pages; ++page) run(page, 1);
      return true;
    case TLBLAB_PER_TABLE:
      for (__u64 page = 0; page < nr_pages;) {
        const __u64 to_vma_end = shape_.pages_per_vma - page % shape_.pages_per_vma;
        const __u64 to_table_end =
            shape_.entries_per_table - position(page) % shape_.entries_per_table;
        const __u64 nr = to_vma_end < to_table_end ? to_vma_end : to_table_end;
        run(page, nr);
        page += nr;
      }
      return true;
    case TLBLAB_PER_VMA:
      for (__u64 vma = 0; vma < shape_.nr_vmas; ++vma) {
        run(vma * shape_.pages_per_vma, shape_.pages_per_vma);
      }
      return true;
    case TLBLAB_MERGED:
    case TLBLAB_FULL_MM:
      run(0, nr_pages);
      return true;
  }
  return false;
}

constexpr bool every_gather_is_counted() {
  const ExpectedShape one_page = {1, 1, 0, 0, 1};
  for (const Gather& gather : kGathers) {
    if (!Tally(one_page, {gather.value, TLBLAB_ENVELOPE, 0, 1, true}).count()) return false;
  }
  return true;
}
static_assert(every_gather_is_counted(), "a gather has no case in Tally::count()");

}  // namespace expected_detail

/// Takes time in proportion to the number of flushes.
constexpr ExpectedFlushes expected_flushes(const ExpectedShape& shape,
                                           const ExpectedScheme& scheme) {
  expected_detail::Tally tally(shape, scheme);
  tally.count();
  return tally.result();
}

}  // namespace tlblab::catalogue
