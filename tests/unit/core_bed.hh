// SPDX-License-Identifier: GPL-2.0-only
// Runs the core on the fake machine: lays out ranges, gives exactly the memory that the core asked
// for with guards behind it, and works out page by page what the account must say.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kmod/core/operation/perform.hh"
#include "kmod/core/requests.hh"
#include "tests/unit/fake_platform.hh"

namespace tlblab::core {

/// One way to unmap.
struct Way {
  u32 gather = TLBLAB_MERGED;
  u32 extent = TLBLAB_ENVELOPE;
  u64 batch_pages = 0;
  u32 ceiling_pages = 33;
  bool one_interval = true;
  u32 flags = 0;
  u32 fault = 0;

  [[nodiscard]] const catalogue::Gather& row() const {
    return *catalogue::find(catalogue::kGathers, gather);
  }
  [[nodiscard]] std::string name() const {
    return std::string(row().name) + " " + catalogue::find(catalogue::kExtents, extent)->name +
           " batch " + std::to_string(batch_pages) + " ceiling " + std::to_string(ceiling_pages) +
           (one_interval ? " one interval" : " list");
  }
};

/// Every gather with every extent that goes with it.
inline std::vector<Way> all_compositions() {
  std::vector<Way> ways;
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    for (const catalogue::Value& extent : catalogue::kExtents) {
      if (!has(gather.extents, extent.value)) continue;
      for (const bool one_interval : {true, false}) {
        ways.push_back(
            {.gather = gather.value, .extent = extent.value, .one_interval = one_interval});
      }
    }
  }
  return ways;
}

/// Length of a list that the core works with.
inline u64 list_length(u64 most, u64 nr_entries) { return std::clamp<u64>(nr_entries, 1, most); }

inline tlblab_request request_of(const Way& way) {
  tlblab_request request{};
  request.size = sizeof(request);
  request.flags = way.flags;
  request.operation = TLBLAB_UNMAP;
  request.gather = way.gather;
  request.extent = way.extent;
  request.release = TLBLAB_STRICT;
  request.mechanism = TLBLAB_KERNEL_SHOOTDOWN;
  request.batch_pages = way.batch_pages;
  request.fault = way.fault;
  return request;
}

class Bed {
 public:
  explicit Bed(u32 page_shift = kPageShift) : machine(page_shift) {}

  FakeMachine machine;

  /// A range of pages, in the VMA of that number. Maps nothing.
  void add_range(u64 vma, u64 page, u64 nr) {
    // Any address does for a VMA: the core only compares them.
    pieces_.push_back({.start = page * machine.page_bytes(),
                       .end = (page + nr) * machine.page_bytes(),
                       .vma = reinterpret_cast<void*>(vma + 1)});  // NOLINT
  }
  /// The same, with every page mapped.
  void add_mapped(u64 vma, u64 page, u64 nr) {
    add_range(vma, page, nr);
    for (u64 i = 0; i < nr; ++i) machine.map_page(page + i);
  }

  [[nodiscard]] u64 nr_pages() const {
    u64 nr = 0;
    for (const lab_piece& piece : pieces_) nr += (piece.end - piece.start) / machine.page_bytes();
    return nr;
  }

  /// Performs it on the given platform over `machine`, with the checks of memory but without those
  /// of finish(). Once per Bed.
  template <class P>
  int perform_on(P&& platform, const Way& way, tlblab_account& account) {
    const tlblab_request request = request_of(way);
    const lab_needs needs =
        needs_of(request, way.row(), machine.table_entries(), way.ceiling_pages);
    const u64 nr_frames = list_length(needs.max_frames, nr_pages());
    const u64 nr_intervals = list_length(needs.max_intervals, nr_pages());
    void* const guard = this;
    std::vector<void*> frames(nr_frames + 1, guard);
    std::vector<lab_interval> intervals(nr_intervals + 1, {~u64{0}, ~u64{0}});
    machine.expect_frames_in(frames.data(), nr_frames);
    machine.expect_exact(way.extent == TLBLAB_EXACT);
    const lab_plan plan = {.request = &request,
                           .pieces = pieces_.data(),
                           .nr_pieces = pieces_.size(),
                           .page_shift = machine.page_shift(),
                           .entries_per_table = machine.table_entries(),
                           .ceiling_pages = way.ceiling_pages,
                           .max_frames = nr_frames,
                           .intervals = intervals.data(),
                           .frames = frames.data()};
    const int status = perform(platform, plan, account);
    EXPECT_EQ(frames.back(), guard);
    EXPECT_EQ(intervals.back().start, ~u64{0});
    machine.finish();
    return status;
  }

  /// Performs it and checks that the contract is kept and the account adds up.
  tlblab_account run(const Way& way, int expected_status = 0) {
    tlblab_account account{};
    const int status = way.one_interval ? perform_on(FakePlatform<true>(machine), way, account)
                                        : perform_on(FakePlatform<false>(machine), way, account);
    EXPECT_EQ(status, expected_status) << way.name();
    EXPECT_TRUE(machine.violations().empty()) << way.name() << ": " << machine.violations().front();
    if (status != kEintr) {
      EXPECT_EQ(account.cleared + account.empty + account.foreign, nr_pages()) << way.name();
    }
    EXPECT_LE(account.released, account.cleared) << way.name();
    EXPECT_LE(account.forced, account.requests) << way.name();
    if (way.one_interval) {
      EXPECT_EQ(account.targets, account.requests * (FakeMachine::kCpus - 1)) << way.name();
      EXPECT_EQ(account.dsb_ish, 0U) << way.name();
    } else {
      EXPECT_EQ(account.targets, account.requests == 0 ? 0 : TLBLAB_UNKNOWN) << way.name();
      EXPECT_EQ(account.tlbi, account.flushed_pages + account.full) << way.name();
      EXPECT_EQ(account.dsb_ishst, account.requests) << way.name();
      EXPECT_EQ(account.dsb_ish, account.requests) << way.name();
    }
    EXPECT_EQ(account.repeats, 0U) << way.name();
    return account;
  }

  /// What the account must say, found by looking at each page in turn. To be called before run().
  /// Fills vmas, tables, cleared, empty, requests, forced, full and flushed_pages.
  [[nodiscard]] tlblab_account foresee(const Way& way) const {
    tlblab_account account{};
    std::vector<u64> debt;
    u64 pending = 0;
    const auto flush = [&](bool forced) {
      pending = 0;
      if (debt.empty()) return;
      u64 intervals = 1;
      for (std::size_t i = 1; i < debt.size(); ++i) {
        if (debt[i] != debt[i - 1] + 1) ++intervals;
      }
      const bool exact = way.extent == TLBLAB_EXACT;
      const u64 pages = exact ? debt.size() : debt.back() - debt.front() + 1;
      const bool full = way.row().whole_mm || pages > way.ceiling_pages;
      const u64 requests = exact && way.one_interval && !full ? intervals : 1;
      account.requests += requests;
      account.forced += forced ? requests : 0;
      account.full += full ? 1 : 0;
      account.flushed_pages += full ? 0 : pages;
      debt.clear();
    };
    const Boundary flush_at = way.row().flush_at;
    const void* vma = nullptr;
    u64 table = ~u64{0};
    for (const lab_piece& piece : pieces_) {
      if (piece.vma != vma) {
        if (flush_at == Boundary::kVma) flush(false);
        ++account.vmas;
        vma = piece.vma;
        table = ~u64{0};
      }
      const u64 end = piece.end / machine.page_bytes();
      for (u64 page = piece.start / machine.page_bytes(); page < end; ++page) {
        if (way.batch_pages != 0 && pending == way.batch_pages) flush(true);
        if (machine.has_table(page) && page / machine.table_entries() != table) {
          table = page / machine.table_entries();
          ++account.tables;
        }
        if (machine.is_mapped(page)) {
          ++account.cleared;
          ++pending;
          debt.push_back(page);
        } else {
          ++account.empty;
        }
        const bool table_left = page + 1 == end || (page + 1) % machine.table_entries() == 0;
        if (flush_at == Boundary::kEntry && !debt.empty()) {
          const u64 still_pending = pending;
          flush(false);
          pending = still_pending;
        }
        if (flush_at <= Boundary::kTable && table_left) flush(false);
      }
    }
    flush(false);
    return account;
  }

 private:
  std::vector<lab_piece> pieces_;
};

inline void expect_foreseen(const tlblab_account& seen, const tlblab_account& foreseen,
                            const Way& way) {
  EXPECT_EQ(seen.vmas, foreseen.vmas) << way.name();
  EXPECT_EQ(seen.tables, foreseen.tables) << way.name();
  EXPECT_EQ(seen.cleared, foreseen.cleared) << way.name();
  EXPECT_EQ(seen.empty, foreseen.empty) << way.name();
  EXPECT_EQ(seen.requests, foreseen.requests) << way.name();
  EXPECT_EQ(seen.forced, foreseen.forced) << way.name();
  EXPECT_EQ(seen.full, foreseen.full) << way.name();
  EXPECT_EQ(seen.flushed_pages, foreseen.flushed_pages) << way.name();
}

}  // namespace tlblab::core
