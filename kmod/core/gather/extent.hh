// SPDX-License-Identifier: GPL-2.0-only
// What a flush will invalidate: the addresses of the entries cleared since the last one.
//
// There are two kinds, Envelope and Exact, with the same members, so that the loop over entries is
// compiled for each. Spans are recorded in ascending order of address. An extent of more pages than
// the ceiling becomes the whole address space, because one full flush is then assumed to be cheaper
// than many invalidations; recording more costs nothing after that.
#pragma once

#include <bit>

#include "kmod/core/platform.hh"

namespace tlblab::core {

template <class T>
constexpr T smaller(T a, T b) {
  return b < a ? b : a;
}

/// From the first cleared entry to the last, gaps included: one interval, min..max as mmu_gather
/// keeps it.
class Envelope {
 public:
  /// `slots`: one interval, owned by the caller.
  Envelope(lab_interval* slots, u64 ceiling_pages, u32 page_shift)
      : interval_(slots), ceiling_pages_(ceiling_pages), page_shift_(page_shift) {
    clear();
  }

  /// `mask`: not 0; bit i is the entry of page i from `address`.
  void record(u64 address, u64 mask) {
    if (is_empty()) interval_->start = address + pages_at(std::countr_zero(mask));
    interval_->end = address + pages_at(static_cast<int>(kSpanEntries) - std::countl_zero(mask));
  }

  bool is_empty() const { return interval_->end == 0; }
  bool is_whole() const { return pages() > ceiling_pages_; }
  u64 pages() const { return (interval_->end - interval_->start) >> page_shift_; }
  const lab_interval* intervals() const { return interval_; }
  u32 nr_intervals() const { return 1; }
  void clear() { *interval_ = {0, 0}; }

 private:
  u64 pages_at(int nr) const { return static_cast<u64>(nr) << page_shift_; }

  lab_interval* interval_;
  u64 ceiling_pages_;
  u32 page_shift_;
};

/// Only the cleared entries: intervals of adjacent pages, across tables and ranges. No interval is
/// shorter than a page, so the ceiling bounds the length of the list as well.
class Exact {
 public:
  /// `slots`: lab_core_intervals() of them, owned by the caller.
  Exact(lab_interval* slots, u64 ceiling_pages, u32 page_shift)
      : intervals_(slots), ceiling_pages_(ceiling_pages), page_shift_(page_shift) {}

  /// As Envelope::record().
  void record(u64 address, u64 mask) {
    pages_ += count_entries(mask);
    if (is_whole()) return;  // the list is no longer read, and may be too short
    while (mask != 0) {
      const auto skipped = static_cast<u32>(std::countr_zero(mask));
      const auto run = static_cast<u32>(std::countr_one(mask >> skipped));
      const u64 start = address + (u64{skipped} << page_shift_);
      append({start, start + (u64{run} << page_shift_)});
      if (skipped + run == kSpanEntries) break;  // a shift by 64 is no shift
      mask &= ~u64{0} << (skipped + run);
    }
  }

  bool is_empty() const { return pages_ == 0; }
  bool is_whole() const { return pages_ > ceiling_pages_; }
  u64 pages() const { return pages_; }
  const lab_interval* intervals() const { return intervals_; }
  u32 nr_intervals() const { return nr_; }
  void clear() {
    nr_ = 0;
    pages_ = 0;
  }

 private:
  void append(lab_interval interval) {
    if (nr_ != 0 && intervals_[nr_ - 1].end == interval.start) {
      intervals_[nr_ - 1].end = interval.end;
    } else {
      intervals_[nr_++] = interval;
    }
  }

  lab_interval* intervals_;
  u64 ceiling_pages_;
  u64 pages_ = 0;
  u32 nr_ = 0;
  u32 page_shift_;
};

}  // namespace tlblab::core
