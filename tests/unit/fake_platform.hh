// SPDX-License-Identifier: GPL-2.0-only
// A machine in plain memory below the core, which holds the core to its contract (platform.hh).
//
// It is a small oracle as well. Each modelled CPU is taken to hold every translation there is, and
// to use a cleared one until a flush covers it; a frame that is released while some CPU can still
// use it is a violation. So nothing is right by luck. Violations are collected, not asserted, so
// that tests can show that each of them is caught.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "kmod/core/platform.hh"

namespace tlblab::core {

class FakeMachine {
 public:
  static constexpr u64 kTableEntries = 512;
  static constexpr u32 kCpus = 4;
  static constexpr u32 kAllCpus = (1U << kCpus) - 1;
  /// The most entries cleared or frames released between two resched points.
  static constexpr u64 kMostWork = kTableEntries;

  // What each call takes of the fake's time.
  static constexpr u64 kSpanNs = 1;
  static constexpr u64 kFlushNs = 1'000;
  static constexpr u64 kReleaseNs = 1'000'000;

  struct Frame {
    u32 mappings = 0;  ///< entries that map it, and cleared ones not released
    u32 flushed = 0;   ///< of these: cleared, and no CPU can use them
  };

  // --- For tests: setting up and looking.

  /// Pages are numbered from address 0.
  Frame* map_page(u64 page, Frame* frame = nullptr) {
    if (frame == nullptr) frame = &frames_.emplace_back();
    ++frame->mappings;
    entry(page) = frame;
    return frame;
  }
  void make_table(u64 page) { tables_[page / kTableEntries]; }
  [[nodiscard]] bool has_table(u64 page) const { return tables_.contains(page / kTableEntries); }
  [[nodiscard]] bool is_mapped(u64 page) const {
    const auto table = tables_.find(page / kTableEntries);
    return table != tables_.end() && table->second[page % kTableEntries] != nullptr;
  }

  /// The memory that the core was given for frames.
  void expect_frames_in(void** begin, u64 nr) {
    frames_begin_ = begin;
    frames_end_ = begin + nr;
  }
  /// Whether flushed intervals hold nothing but cleared pages.
  void expect_exact(bool exact) { exact_ = exact; }
  /// The resched point, counted from 1, at which the answer is stop: once said, it holds. 0: never.
  void stop_at(u64 point) { stop_at_ = point; }
  /// CPUs that flushes do not reach: a planted fault.
  void deafen(u32 cpus) { deaf_cpus_ = cpus; }

  /// What must hold when the operation has returned.
  void finish() {
    if (locked_) violation("returned with a table locked");
    if (!stale_.empty()) violation("returned with a debt: a stale translation is usable");
    if (mappings_released_ != cleared_) violation("returned with frames not released");
  }

  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
  [[nodiscard]] bool saw(const std::string& what) const {
    return std::find(violations_.begin(), violations_.end(), what) != violations_.end();
  }

  u64 clock_reads = 0;
  u64 spans = 0;
  u64 releases = 0;

  // --- For the core, through FakePlatform.

  bool lock_table(void* vma, u64 start, u64 end, lab_table& table) {
    if (locked_) violation("two tables locked");
    if (start % kPageBytes != 0 || end % kPageBytes != 0 || start >= end) {
      violation("search of a bad range");
    }
    for (auto it = tables_.lower_bound(start / kTableBytes);
         it != tables_.end() && it->first * kTableBytes < end; ++it) {
      const u64 first = std::max(start, it->first * kTableBytes);
      table = {.start = first,
               .end = std::min(end, (it->first + 1) * kTableBytes),
               .entries = &it->second[first / kPageBytes % kTableEntries],
               .lock = &it->second,
               .vma = vma};
      locked_ = true;
      locked_table_ = table;
      return true;
    }
    return false;
  }

  void unlock_table(lab_table& table) {
    if (!locked_) violation("unlock without a lock");
    if (locked_ && table.lock != locked_table_.lock) violation("unlock of another table");
    locked_ = false;
  }

  u64 clear_span(lab_table& table, u64 address, u32 nr, void** frames) {
    if (!locked_ || table.lock != locked_table_.lock) violation("cleared without the lock");
    if (nr == 0 || nr > kSpanEntries) violation("span of a bad length");
    if (address < locked_table_.start || address + nr * kPageBytes > locked_table_.end) {
      violation("span outside the locked piece");
      return 0;
    }
    if (stopped_) violation("cleared after stop");
    ++spans;
    now_ns_ += kSpanNs;
    work(nr);
    u64 mask = 0;
    for (u32 i = 0; i < std::min(nr, kSpanEntries); ++i) {
      Frame*& slot = entry(address / kPageBytes + i);
      if (slot == nullptr) continue;
      if (frames_begin_ != nullptr && (frames < frames_begin_ || frames >= frames_end_)) {
        violation("frames outside the memory given");
        return mask;
      }
      stale_[address / kPageBytes + i] = {slot, kAllCpus};
      *frames++ = slot;
      slot = nullptr;
      mask |= u64{1} << i;
      ++cleared_;
    }
    return mask;
  }

  lab_flush_cost flush(const lab_interval* intervals, u32 nr, bool one_interval) {
    if (nr == 0 || (one_interval && nr != 1)) violation("request of a bad number of intervals");
    u64 after = 0;
    for (u32 i = 0; i < nr; ++i) {
      const u64 begin = intervals[i].start / kPageBytes;
      const u64 end = intervals[i].end / kPageBytes;
      if (begin >= end || intervals[i].start % kPageBytes != 0 ||
          intervals[i].end % kPageBytes != 0 || (i != 0 && begin <= after)) {
        violation("bad interval");
        continue;
      }
      after = end;
      const auto first = stale_.lower_bound(begin);
      const auto last = stale_.lower_bound(end);
      const auto held = static_cast<u64>(std::distance(first, last));
      if (!stale_.contains(begin) || !stale_.contains(end - 1) || (exact_ && held != end - begin)) {
        violation("flush of a page that was not cleared");
      }
      forget(first, last);
    }
    now_ns_ += kFlushNs;
    return {.targets = kCpus - 1, .tlbi = nr, .dsb_ishst = 1, .dsb_ish = 1};
  }

  lab_flush_cost flush_mm() {
    if (stale_.empty()) violation("flush without a debt");
    forget(stale_.begin(), stale_.end());
    now_ns_ += kFlushNs;
    return {.targets = kCpus - 1, .tlbi = 1, .dsb_ishst = 1, .dsb_ish = 1};
  }

  u64 release(void* const* frames, u32 nr) {
    if (locked_) violation("release under a table lock");
    if (nr == 0 || nr > kSpanEntries) violation("release of a bad number of frames");
    ++releases;
    now_ns_ += kReleaseNs;
    work(nr);
    u64 unmapped = 0;
    for (u32 i = 0; i < nr; ++i) {
      auto* frame = static_cast<Frame*>(frames[i]);
      if (frame->flushed == 0) {
        violation("frame released while a stale translation is usable");
        continue;
      }
      --frame->flushed;
      --frame->mappings;
      ++mappings_released_;
      if (frame->mappings == 0) ++unmapped;
    }
    return unmapped;
  }

  bool resched_point() {
    if (locked_) violation("resched point under a table lock");
    work_ = 0;
    ++rescheds_;
    if (rescheds_ != stop_at_) return true;
    stopped_ = true;
    return false;
  }

  u64 clock_ns() {
    ++clock_reads;
    return now_ns_;
  }

 private:
  static constexpr u64 kTableBytes = kTableEntries * kPageBytes;

  struct Stale {
    Frame* frame;
    u32 cpus;  ///< that can use it
  };

  Frame*& entry(u64 page) { return tables_[page / kTableEntries][page % kTableEntries]; }

  void forget(std::map<u64, Stale>::iterator first, std::map<u64, Stale>::iterator last) {
    while (first != last) {
      first->second.cpus &= deaf_cpus_;
      if (first->second.cpus == 0) {
        ++first->second.frame->flushed;
        first = stale_.erase(first);
      } else {
        ++first;
      }
    }
  }

  void work(u64 nr) {
    work_ += nr;
    if (work_ > kMostWork) violation("too long without a resched point");
  }

  void violation(const char* what) {
    if (!saw(what)) violations_.emplace_back(what);
  }

  std::map<u64, std::array<Frame*, kTableEntries>> tables_;
  std::deque<Frame> frames_;
  std::map<u64, Stale> stale_;  ///< cleared pages whose translations some CPU can use
  std::vector<std::string> violations_;
  lab_table locked_table_{};
  void** frames_begin_ = nullptr;
  void** frames_end_ = nullptr;
  u64 cleared_ = 0;
  u64 mappings_released_ = 0;
  u64 rescheds_ = 0;
  u64 work_ = 0;
  u64 stop_at_ = 0;
  u64 now_ns_ = 0;
  u32 deaf_cpus_ = 0;
  bool locked_ = false;
  bool exact_ = false;
  bool stopped_ = false;
};

/// The fake as a platform: of x86's kind, one interval a request, or of arm64's.
template <bool kOneInterval>
class FakePlatform {
 public:
  static constexpr bool kOneIntervalPerRequest = kOneInterval;

  explicit FakePlatform(FakeMachine& machine) : machine_(machine) {}

  bool lock_table(void* vma, u64 start, u64 end, lab_table& table) {
    return machine_.lock_table(vma, start, end, table);
  }
  void unlock_table(lab_table& table) { machine_.unlock_table(table); }
  u64 clear_span(lab_table& table, u64 address, u32 nr, void** frames) {
    return machine_.clear_span(table, address, nr, frames);
  }
  lab_flush_cost flush(const lab_interval* intervals, u32 nr) {
    return machine_.flush(intervals, nr, kOneInterval);
  }
  lab_flush_cost flush_mm() { return machine_.flush_mm(); }
  u64 release(void* const* frames, u32 nr) { return machine_.release(frames, nr); }
  bool resched_point() { return machine_.resched_point(); }
  u64 clock_ns() { return machine_.clock_ns(); }

 protected:
  FakeMachine& machine_;
};

static_assert(Platform<FakePlatform<true>>);
static_assert(Platform<FakePlatform<false>>);

}  // namespace tlblab::core
