// SPDX-License-Identifier: GPL-2.0-only
// Requests are exact: docs/methods.md's table, for every gather, extent, batch limit and R.
#include <sys/mman.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"

namespace tlblab::vm {
namespace {

std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

/// Requests of an unmap of a populated shape with envelopes, from the table in docs/methods.md.
std::uint64_t expected_requests(const catalogue::Gather& gather, const Shape& shape,
                                std::uint64_t batch) {
  const std::uint64_t b = batch == 0 ? ~0ull >> 1 : batch;
  const std::uint64_t nr_vmas = shape.ranges().size();
  const std::uint64_t pages_per_vma = shape.nr_pages() / nr_vmas;
  switch (gather.flush_at) {
    case catalogue::Boundary::kEntry:
      return shape.nr_pages();
    case catalogue::Boundary::kTable:
      return shape.sum_over_pieces([b](std::uint64_t pages) { return ceil_div(pages, b); });
    case catalogue::Boundary::kVma:
      return nr_vmas * ceil_div(pages_per_vma, b);
    case catalogue::Boundary::kEnd:
      return ceil_div(shape.nr_pages(), b);
  }
  return 0;
}

void expect_account(const tlblab_request& request, const Shape& shape, std::uint64_t requests) {
  const tlblab_account& account = request.account;
  EXPECT_EQ(account.requests, requests);
  EXPECT_EQ(account.cleared, shape.nr_pages());
  EXPECT_EQ(account.released, shape.nr_pages());
  EXPECT_EQ(account.empty, 0u);
  EXPECT_EQ(account.vmas, shape.ranges().size());
  EXPECT_EQ(account.tables, shape.sum_over_pieces([](std::uint64_t) { return 1; }));
  if (catalogue::find(catalogue::kGathers, request.gather)->whole_mm) {
    EXPECT_EQ(account.full, requests);
  }
  if ((capabilities().features & TLBLAB_HAS_BROADCAST) != 0) {
    EXPECT_EQ(account.targets, TLBLAB_UNKNOWN);
    EXPECT_EQ(account.dsb_ishst, requests);
    if (request.mechanism == TLBLAB_TLBI_DSB_ONCE) EXPECT_EQ(account.dsb_ish, requests);
    if (request.mechanism == TLBLAB_TLBI_DSB_EACH) EXPECT_EQ(account.dsb_ish, account.tlbi);
    EXPECT_EQ(account.tlbi, account.flushed_pages + account.full);
  } else {
    EXPECT_EQ(account.tlbi + account.dsb_ish + account.dsb_ishst, 0u);
  }
}

}  // namespace

TEST(requests_of_every_gather_and_batch) {
  const Arena arena;
  struct Case {
    unsigned nr_vmas, pages;
  };
  // The last crosses a page table's end inside a VMA: 8 * 202 pages, the end after 500 of them.
  const std::uint64_t first_page = kEntriesPerTable - 500;
  for (const Case c : {Case{1, 1}, Case{16, 4}, Case{3, 33}, Case{8, 200}}) {
    const Shape shape(arena, c.nr_vmas, c.pages, 2, first_page);
    const std::uint64_t all = std::uint64_t{c.nr_vmas} * c.pages;
    for (const catalogue::Gather& gather : catalogue::kGathers) {
      for (const std::uint64_t batch : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{7},
                                        std::uint64_t{c.pages}, all - 1, all, all + 1}) {
        if (all > 200 && batch == 1) continue;
        REQUIRE_EQ(arena.populate(shape.ranges()), 0);
        tlblab_request request = unmap_request(gather.value);
        request.batch_pages = batch;
        REQUIRE_EQ(arena.perform(request, shape.ranges()), 0);
        expect_account(request, shape, expected_requests(gather, shape, batch));
      }
    }
  }
}

TEST(requests_do_not_depend_on_responders) {
  const Arena arena;
  const Shape shape(arena, 16, 4);
  for (unsigned nr = 0; nr <= 3; ++nr) {
    for (const catalogue::Gather& gather : catalogue::kGathers) {
      REQUIRE_EQ(arena.populate(shape.ranges()), 0);
      const Responders responders(nr, shape.ranges(), Responders::Mode::kSpin);
      const std::uint64_t switches = responders.switches();
      tlblab_request request = unmap_request(gather.value);
      REQUIRE_EQ(arena.perform(request, shape.ranges()), 0);
      expect_account(request, shape, expected_requests(gather, shape, 0));
      if (request.account.targets == TLBLAB_UNKNOWN) continue;
      // Those that had the mm loaded before may be in its mask still. A responder that makes way
      // for a kernel thread may leave it: once a second a flush lets lazy CPUs go (6.12).
      EXPECT_LE(request.account.targets, request.account.requests * 3);
      if (responders.switches() != switches) continue;
      EXPECT_GE(request.account.targets, request.account.requests * nr);
    }
  }
}

TEST(exact_extent_flushes_what_was_cleared) {
  const Arena arena;
  const bool list = (capabilities().features & TLBLAB_HAS_BROADCAST) != 0;
  const Shape shape(arena, 5, 4, 3);
  tlblab_request exact = unmap_request(TLBLAB_MERGED);
  exact.extent = TLBLAB_EXACT;
  REQUIRE_EQ(arena.perform(exact, shape.ranges()), 0);
  EXPECT_EQ(exact.account.flushed_pages, 20u);
  EXPECT_EQ(exact.account.requests, list ? 1u : 5u);

  REQUIRE_EQ(arena.populate(shape.ranges()), 0);
  tlblab_request envelope = unmap_request(TLBLAB_MERGED);
  REQUIRE_EQ(arena.perform(envelope, shape.ranges()), 0);
  EXPECT_EQ(envelope.account.flushed_pages, 5u * 4 + 4 * 3);
  EXPECT_EQ(envelope.account.requests, 1u);
}

TEST(past_the_ceiling_the_whole_mm_is_flushed) {
  const Arena arena;
  const std::uint32_t kernel_ceiling = capabilities().ceiling_pages;
  for (const std::uint32_t ceiling : {8u, kernel_ceiling}) {
    for (const catalogue::Value& extent : catalogue::kExtents) {
      for (const std::uint32_t pages : {ceiling - 1, ceiling, ceiling + 1}) {
        const Shape shape(arena, 1, pages);
        tlblab_request request = unmap_request(TLBLAB_MERGED);
        request.extent = extent.value;
        // 0 and too much are the kernel's own.
        request.ceiling_pages = ceiling == kernel_ceiling ? (pages % 2) * 100000 : ceiling;
        REQUIRE_EQ(arena.perform(request, shape.ranges()), 0);
        EXPECT_EQ(request.account.requests, 1u);
        EXPECT_EQ(request.account.full, pages > ceiling ? 1u : 0u);
        EXPECT_EQ(request.account.flushed_pages, pages > ceiling ? 0u : pages);
      }
    }
  }
}

TEST(each_mechanism_of_arm64_counts_its_barriers) {
  const tlblab_capabilities can = capabilities();
  if ((can.mechanisms & (1u << TLBLAB_TLBI_DSB_EACH)) == 0) return skip("x86 has one mechanism");
  const Arena arena;
  const Shape shape(arena, 16, 4, 2);
  for (const std::uint32_t mechanism : {TLBLAB_TLBI_DSB_EACH, TLBLAB_TLBI_DSB_ONCE}) {
    REQUIRE_EQ(arena.populate(shape.ranges()), 0);
    tlblab_request request = unmap_request(TLBLAB_PER_VMA);
    request.mechanism = mechanism;
    REQUIRE_EQ(arena.perform(request, shape.ranges()), 0);
    expect_account(request, shape, 16);
    EXPECT_EQ(request.account.tlbi, 64u);
    EXPECT_EQ(request.account.dsb_ish, mechanism == TLBLAB_TLBI_DSB_EACH ? 64u : 16u);
  }
}

TEST(nothing_cleared_nothing_flushed) {
  const Arena arena;
  const Shape shape(arena, 4, 4);
  tlblab_request request = unmap_request(TLBLAB_MERGED);
  REQUIRE_EQ(arena.perform(request, shape.ranges()), 0);
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    tlblab_request again = unmap_request(gather.value);
    REQUIRE_EQ(arena.perform(again, shape.ranges()), 0);
    EXPECT_EQ(again.account.requests, 0u);
    EXPECT_EQ(again.account.empty, 16u);
    EXPECT_EQ(again.account.released, 0u);
  }
}

TEST(ranges_that_no_table_maps_yet) {
  const Arena arena;
  const std::uint64_t at = reserve(4 * kTableBytes);
  arena.map(at, 4 * kTableBytes, 0);
  tlblab_request request = unmap_request(TLBLAB_PER_TABLE);
  REQUIRE_EQ(arena.perform(request, {{at, 4 * kTableBytes}}), 0);
  EXPECT_EQ(request.account.tables, 0u);
  EXPECT_EQ(request.account.empty, 4 * kEntriesPerTable);
  EXPECT_EQ(request.account.requests, 0u);
  munmap(reinterpret_cast<void*>(at), 4 * kTableBytes);
}

TEST(two_ranges_in_one_vma_are_one_visit) {
  const Arena arena;
  const Shape shape(arena, 1, 12);
  const std::uint64_t at = shape.ranges()[0].start;
  tlblab_request request = unmap_request(TLBLAB_PER_VMA);
  REQUIRE_EQ(arena.perform(request, {{at, 4 * kPage}, {at + 8 * kPage, 4 * kPage}}), 0);
  EXPECT_EQ(request.account.vmas, 1u);
  EXPECT_EQ(request.account.requests, 1u);
  EXPECT_EQ(request.account.cleared, 8u);
  EXPECT_EQ(request.account.flushed_pages, 12u);
}

TEST(phase_times_only_when_asked) {
  const Arena arena;
  const Shape shape(arena, 16, 4);
  tlblab_request request = unmap_request(TLBLAB_PER_VMA);
  REQUIRE_EQ(arena.perform(request, shape.ranges()), 0);
  EXPECT_EQ(request.account.clear_ns + request.account.flush_ns + request.account.release_ns, 0u);
  REQUIRE_EQ(arena.populate(shape.ranges()), 0);
  request = unmap_request(TLBLAB_PER_VMA);
  request.flags = TLBLAB_TIME_PHASES;
  REQUIRE_EQ(arena.perform(request, shape.ranges()), 0);
  EXPECT_TRUE(request.account.clear_ns > 0);
  EXPECT_TRUE(request.account.flush_ns > 0);
  EXPECT_TRUE(request.account.release_ns > 0);
}

TEST(no_stale_read_after_the_call_returned) {
  const Arena arena;
  const Shape shape(arena, 16, 4);
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    REQUIRE_EQ(arena.populate(shape.ranges()), 0);
    std::atomic<int> stage{0};
    int nr_stale = 0;
    std::thread reader([&] {
      pin_to_cpu(1);
      for (const tlblab_range& range : shape.ranges()) {
        EXPECT_TRUE(!faults_with_sigbus(range.start));
      }
      stage = 1;
      while (stage != 2) {
      }
      for (const tlblab_range& range : shape.ranges()) {
        nr_stale += faults_with_sigbus(range.start) ? 0 : 1;
      }
    });
    while (stage != 1) {
    }
    tlblab_request request = unmap_request(gather.value);
    EXPECT_EQ(arena.perform(request, shape.ranges()), 0);
    stage = 2;
    reader.join();
    EXPECT_EQ(nr_stale, 0);
  }
}

TEST(a_million_pages_over_ten_thousand_vmas) {
  const Arena arena;
  // Every VMA maps the same 100 frames, so that no guest needs gigabytes.
  constexpr unsigned kVmas = 10000;
  constexpr unsigned kPages = 100;
  std::vector<tlblab_range> ranges;
  const std::uint64_t stride = (kPages + 1) * kPage;
  const std::uint64_t base = reserve(stride * kVmas);
  for (unsigned i = 0; i < kVmas; ++i) {
    ranges.push_back({arena.map(base + i * stride, kPages * kPage, 0), kPages * kPage});
  }
  std::uint64_t nr_populated = 0;
  REQUIRE_EQ(arena.populate(ranges, &nr_populated), 0);
  EXPECT_EQ(nr_populated, std::uint64_t{kVmas} * kPages);
  tlblab_request request = unmap_request(TLBLAB_MERGED);
  REQUIRE_EQ(arena.perform(request, ranges), 0);
  EXPECT_EQ(request.account.cleared, std::uint64_t{kVmas} * kPages);
  EXPECT_EQ(request.account.released, std::uint64_t{kPages});
  EXPECT_EQ(request.account.requests, 1u);
  // "Every few hundred pages", however many a table holds.
  constexpr unsigned kMostPages = 512;
  EXPECT_GE(request.account.resched_points, std::uint64_t{kVmas} * kPages / kMostPages);
  munmap(reinterpret_cast<void*>(base), stride * kVmas);
}

}  // namespace tlblab::vm
