// SPDX-License-Identifier: GPL-2.0-only
// A machine in plain memory below the core, which checks that the core keeps its contract
// (platform.hh).
//
// It is also a small oracle. Each modelled CPU is assumed to hold every translation, and to use a
// cleared one until a flush covers it. Releasing a frame that a CPU can still use is a violation.
// Where flushes are broadcast, the mm gets a new ASID as often as possible: each time that stores
// are published. So nothing is correct by luck. Violations are collected, not asserted, so that
// tests can show that each of them is caught.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kmod/core/flush/broadcast.hh"
#include "kmod/core/gather/extent.hh"
#include "kmod/core/platform.hh"
#include "kmod/core/requests.hh"
#include "kmod/core/wrap/forward.hh"

namespace tlblab::core {

/// Pages of 4 KiB, for tests that do not depend on the size.
inline constexpr u32 kPageShift = 12;
inline constexpr u64 kPageBytes = u64{1} << kPageShift;

class FakeMachine {
 public:
  static constexpr u64 kTableEntries = 512;  ///< of a table, with pages of 4 KiB
  static constexpr u32 kCpus = 4;
  static constexpr u32 kAllCpus = (1U << kCpus) - 1;
  /// The most entries cleared or frames released between two resched points, likewise.
  static constexpr u64 kMostWork = kTableEntries;

  // The time that each call takes on the fake's clock.
  static constexpr u64 kSpanNs = 1;
  static constexpr u64 kFlushNs = 1'000;
  static constexpr u64 kReleaseNs = 1'000'000;

  struct Frame {
    u32 mappings = 0;  ///< entries that map it, and cleared ones not released
    u32 flushed = 0;   ///< of these: cleared, and no CPU can use them
  };

  explicit FakeMachine(u32 page_shift = kPageShift) : page_shift_(page_shift) {}

  [[nodiscard]] u32 page_shift() const { return page_shift_; }
  [[nodiscard]] u64 page_bytes() const { return u64{1} << page_shift_; }
  [[nodiscard]] u32 table_entries() const { return static_cast<u32>(page_bytes() / sizeof(u64)); }
  [[nodiscard]] u64 table_bytes() const { return table_entries() * page_bytes(); }

  // --- For tests: setting up and looking.

  /// Pages are numbered from address 0.
  Frame* map_page(u64 page, Frame* frame = nullptr) {
    if (frame == nullptr) frame = &frames_.emplace_back();
    ++frame->mappings;
    entry(page) = frame;
    return frame;
  }
  void make_table(u64 page) { table_at(page); }
  [[nodiscard]] bool has_table(u64 page) const { return tables_.contains(page / table_entries()); }
  [[nodiscard]] bool is_mapped(u64 page) const { return has_table(page) && look(page) != nullptr; }
  /// A foreign entry: not empty, and not the arena's.
  void plant_foreign(u64 page) { entry(page) = foreign(); }
  [[nodiscard]] bool is_foreign(u64 page) const {
    return has_table(page) && look(page) == foreign();
  }

  /// The memory that the core was given for frames.
  void expect_frames_in(void** begin, u64 nr) {
    frames_begin_ = begin;
    frames_end_ = begin + nr;
  }
  /// Whether flushed intervals hold nothing but cleared pages.
  void expect_exact(bool exact) { exact_ = exact; }
  /// The resched point, counted from 1, from which on the answer is stop. 0: never.
  void stop_at(u64 point) { stop_at_ = point; }
  /// CPUs that flushes do not reach: a planted fault.
  void deafen(u32 cpus) { deaf_cpus_ = cpus; }
  /// From now on broadcast invalidations are complete only if they were repeated.
  void break_completion() { broken_completion_ = true; }

  /// How many frames and tables can still be taken.
  void limit_memory(u64 nr_frames, u64 nr_tables) {
    nr_frames_left_ = nr_frames;
    nr_tables_left_ = nr_tables;
  }
  /// As munmap() or exit: empties the entries that it finds set, and flushes them.
  void munmap(u64 page, u64 nr) {
    for (u64 end = page + nr; page < end; ++page) {
      if (!is_mapped(page) || is_foreign(page)) continue;
      Frame*& slot = entry(page);
      ++slot->flushed;
      ++cleared_;
      left_.push_back(slot);
      slot = nullptr;
    }
  }

  /// What must hold when the operation has returned.
  void finish() {
    if (locked_) violation("returned with a table locked");
    if (!reserved_.empty()) violation("returned with entries reserved");
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
    if (start % page_bytes() != 0 || end % page_bytes() != 0 || start >= end) {
      violation("search of a bad range");
    }
    for (auto it = tables_.lower_bound(start / table_bytes());
         it != tables_.end() && it->first * table_bytes() < end; ++it) {
      const u64 first = std::max(start, it->first * table_bytes());
      table = {.start = first,
               .end = std::min(end, (it->first + 1) * table_bytes()),
               .entries = &it->second[first / page_bytes() % table_entries()],
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

  lab_span clear_span(lab_table& table, u64 address, u32 nr, void** frames) {
    if (!locked_ || table.lock != locked_table_.lock) violation("cleared without the lock");
    if (nr == 0 || nr > kSpanEntries) violation("span of a bad length");
    if (address < locked_table_.start || address + nr * page_bytes() > locked_table_.end) {
      violation("span outside the locked piece");
      return {};
    }
    if (stopped_) violation("cleared after stop");
    ++spans;
    now_ns_ += kSpanNs;
    work(nr);
    lab_span span{};
    for (u32 i = 0; i < std::min(nr, kSpanEntries); ++i) {
      Frame*& slot = entry(address / page_bytes() + i);
      if (slot == nullptr) continue;
      if (slot == foreign()) {
        span.foreign |= u64{1} << i;
        continue;
      }
      if (frames_begin_ != nullptr && (frames < frames_begin_ || frames >= frames_end_)) {
        violation("frames outside the memory given");
        return span;
      }
      stale_[address / page_bytes() + i] = {slot, kAllCpus, false};
      *frames++ = slot;
      slot = nullptr;
      span.cleared |= u64{1} << i;
      ++cleared_;
    }
    return span;
  }

  /// One request by interrupts, of one interval or whole: complete on return.
  lab_flush_cost shoot_down(const lab_flush& request) {
    const lab_flush_cost cost = {
        .targets = kCpus - 1, .tlbi = 0, .dsb_ishst = 0, .dsb_ish = 0, .repeats = 0};
    now_ns_ += kFlushNs;
    if (request.whole) {
      if (stale_.empty()) violation("flush without a debt");
      forget(0, ~u64{0});
      return cost;
    }
    if (request.nr_intervals != 1) violation("request of a bad number of intervals");
    if (request.stride_shift != page_shift_) violation("request of a bad stride");
    const lab_interval& interval = *request.intervals;
    if (is_good(interval)) {
      const u64 begin = interval.start / page_bytes();
      const u64 end = interval.end / page_bytes();
      if (!stale_.contains(begin) || !stale_.contains(end - 1)) {
        violation("flush of a page that was not cleared");
      }
      forget(begin, end);
    }
    return cost;
  }

  // The steps of one by broadcast: nothing is forgotten before it is complete.

  void publish() {
    for (auto& [page, stale] : stale_) stale.published = true;
    ++asid_;
    told_end_ = 0;
    now_ns_ += kFlushNs;
  }
  [[nodiscard]] u64 read_asid() const { return asid_; }
  u64 invalidate(u64 asid, const lab_interval& interval, bool repeat) {
    if (!is_good(interval)) return 0;
    const u64 begin = interval.start / page_bytes();
    const u64 end = interval.end / page_bytes();
    if (begin < told_end_) violation("bad interval");
    told_end_ = end;
    tell(asid, begin, end, repeat);
    return 0;
  }
  u64 invalidate_mm(u64 asid, bool repeat) {
    if (stale_.empty()) violation("flush without a debt");
    tell(asid, 0, ~u64{0}, repeat);
    return 0;
  }
  u64 complete(bool repeat) {
    if (!broken_completion_ || (repeat && !left_out_)) {
      for (const auto& [begin, end] : told_) forget(begin, end);
    }
    told_.clear();
    left_out_ = false;
    return broken_completion_ && repeat ? 1 : 0;
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

  lab_reserved reserve_span(void* /*vma*/, u64 address, u32 nr) {
    if (locked_) violation("frames taken under a table lock");
    if (nr == 0 || nr > kSpanEntries) violation("span of a bad length");
    lab_reserved reserved{};
    for (u32 i = 0; i < std::min(nr, kSpanEntries) && reserved.error == 0; ++i) {
      const u64 page = address / page_bytes() + i;
      if (has_table(page) && look(page) != nullptr) continue;
      if (nr_frames_left_ == 0) {
        reserved.error = kEnomem;
      } else {
        --nr_frames_left_;
        reserved_[page] = &frames_.emplace_back();
        reserved.mask |= u64{1} << i;
      }
    }
    return reserved;
  }
  lab_set set_span(void* /*vma*/, u64 address, u32 nr, u64 reserved) {
    if (locked_) violation("entries set under another table's lock");
    lab_set set{};
    work(nr);
    for (u32 i = 0; i < std::min(nr, kSpanEntries); ++i) {
      const u64 page = address / page_bytes() + i;
      if (has_table(page) && look(page) == foreign()) set.foreign |= u64{1} << i;
      if ((reserved >> i & 1) == 0) continue;
      const auto it = reserved_.find(page);
      if (it == reserved_.end()) {
        violation("entry set that was not reserved");
      } else if (nr_tables_left_ == 0 && !has_table(page)) {
        set.error = kEnomem;
      } else {
        if (stale_.contains(page)) violation("entry set while a stale translation is usable");
        if (!has_table(page)) --nr_tables_left_;
        map_page(page, it->second);
        reserved_.erase(it);
        set.mask |= u64{1} << i;
      }
    }
    return set;
  }
  void unreserve_span(void* /*vma*/, u64 address, u64 reserved) {
    for (u32 i = 0; i < kSpanEntries; ++i) {
      if ((reserved >> i & 1) == 0) continue;
      if (reserved_.erase(address / page_bytes() + i) == 0) {
        violation("entry given back that was not reserved");
      }
    }
  }
  u32 take_left(void* /*vma*/, void** frames) {
    u32 nr = 0;
    while (!left_.empty() && nr < kSpanEntries) {
      frames[nr++] = left_.back();
      left_.pop_back();
    }
    return nr;
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
  struct Stale {
    Frame* frame;
    u32 cpus;        ///< that can use it
    bool published;  ///< that the entry is empty: no walker loads it again
  };

  std::vector<Frame*>& table_at(u64 page) {
    std::vector<Frame*>& table = tables_[page / table_entries()];
    table.resize(table_entries());
    return table;
  }
  Frame*& entry(u64 page) { return table_at(page)[page % table_entries()]; }
  [[nodiscard]] const Frame* look(u64 page) const {
    return tables_.at(page / table_entries())[page % table_entries()];
  }
  /// The content of a foreign entry.
  static Frame* foreign() {
    static Frame somebody_elses;
    return &somebody_elses;
  }

  /// Whole pages, some of them cleared; all of them where exactness is asked for.
  bool is_good(const lab_interval& interval) {
    const u64 begin = interval.start / page_bytes();
    const u64 end = interval.end / page_bytes();
    if (begin >= end || interval.start % page_bytes() != 0 || interval.end % page_bytes() != 0) {
      violation("bad interval");
      return false;
    }
    const auto held =
        static_cast<u64>(std::distance(stale_.lower_bound(begin), stale_.lower_bound(end)));
    // Where each page is completed by itself, the gaps of an envelope come as pages, too.
    if (exact_ ? held != end - begin : held == 0 && end - begin > 1) {
      violation("flush of a page that was not cleared");
    }
    return true;
  }

  /// All CPUs are told to forget pages, under what may no longer be the mm's ASID.
  void tell(u64 asid, u64 begin, u64 end, bool repeat) {
    for (auto it = stale_.lower_bound(begin); it != stale_.end() && it->first < end; ++it) {
      if (!it->second.published) violation("invalidated before the empty entry was visible");
    }
    left_out_ = left_out_ || !repeat;
    if (asid == asid_) {
      told_.emplace_back(begin, end);
    } else {
      violation("invalidated under an ASID that was read too early");
    }
  }

  void forget(u64 begin, u64 end) {
    for (auto it = stale_.lower_bound(begin); it != stale_.end() && it->first < end;) {
      it->second.cpus &= deaf_cpus_;
      if (it->second.cpus == 0) {
        ++it->second.frame->flushed;
        it = stale_.erase(it);
      } else {
        ++it;
      }
    }
  }

  void work(u64 nr) {
    work_ += nr;
    if (work_ > table_entries()) violation("too long without a resched point");
  }

  void violation(const char* what) {
    if (!saw(what)) violations_.emplace_back(what);
  }

  u32 page_shift_;
  std::map<u64, std::vector<Frame*>> tables_;
  std::deque<Frame> frames_;
  std::map<u64, Frame*> reserved_;  ///< by page
  std::vector<Frame*> left_;        ///< emptied by munmap(), and not released
  u64 nr_frames_left_ = ~u64{0};
  u64 nr_tables_left_ = ~u64{0};
  std::map<u64, Stale> stale_;             ///< cleared pages whose translations some CPU can use
  std::vector<std::pair<u64, u64>> told_;  ///< pages invalidated, but not completely
  u64 told_end_ = 0;                       ///< of the last of them since publish()
  u64 asid_ = 7;
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
  bool broken_completion_ = false;
  bool left_out_ = false;  ///< an invalidation under way left its repetition out
  bool locked_ = false;
  bool exact_ = false;
  bool stopped_ = false;
};

static_assert(Broadcaster<FakeMachine>);

/// The fake as a platform: like x86, with one interval per request, or like arm64, by the core's
/// own protocol.
template <bool kOneInterval>
class FakePlatform : public Forward<FakeMachine> {
 public:
  static constexpr bool kOneIntervalPerRequest = kOneInterval;

  explicit FakePlatform(FakeMachine& machine, Completion completion = {})
      : Forward(machine), completion_(completion) {}

  lab_flush_cost flush(const lab_flush& request) {
    if constexpr (kOneInterval) {
      return below().shoot_down(request);
    } else {
      return broadcast_flush(below(), request, completion_);
    }
  }

 private:
  Completion completion_;
};

static_assert(Platform<FakePlatform<true>>);
static_assert(Platform<FakePlatform<false>>);

}  // namespace tlblab::core
