// SPDX-License-Identifier: GPL-2.0-only
// Several initiators at once: disjoint ranges side by side, overlapping ones one after the other.
#include <thread>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"

namespace tlblab::vm {
namespace {

constexpr unsigned kRounds = 30;

/// Populates and unmaps its ranges again and again; returns the sum of the accounts' terms.
tlblab_account initiator(const Arena& arena, const std::vector<tlblab_range>& ranges, int cpu,
                         std::uint32_t gather) {
  pin_to_cpu(cpu);
  tlblab_account sum{};
  for (unsigned i = 0; i < kRounds; ++i) {
    EXPECT_EQ(arena.populate(ranges), 0);
    auto request = unmap_request(gather);
    EXPECT_EQ(arena.perform(request, ranges), 0);
    sum.cleared += request.account.cleared;
    sum.empty += request.account.empty;
    sum.released += request.account.released;
    sum.requests += request.account.requests;
  }
  return sum;
}

}  // namespace

TEST(two_initiators_on_disjoint_ranges_count_exactly) {
  const Arena arena;
  const Shape shape(arena, 16, 4);
  // Interleaved, so that they meet in the same page table.
  std::vector<tlblab_range> even;
  std::vector<tlblab_range> odd;
  for (std::size_t i = 0; i < shape.ranges().size(); ++i) {
    (i % 2 == 0 ? even : odd).push_back(shape.ranges()[i]);
  }
  tlblab_account a{};
  tlblab_account b{};
  std::thread first([&] { a = initiator(arena, even, 2, TLBLAB_PER_VMA); });
  std::thread second([&] { b = initiator(arena, odd, 1, TLBLAB_MERGED); });
  first.join();
  second.join();
  EXPECT_EQ(a.cleared, 32u * kRounds);
  EXPECT_EQ(b.cleared, 32u * kRounds);
  EXPECT_EQ(a.released + b.released, 64u * kRounds);
  EXPECT_EQ(a.requests, 8u * kRounds);
  EXPECT_EQ(b.requests, 1u * kRounds);
}

TEST(two_initiators_on_the_same_ranges_lose_nothing) {
  const tlblab_totals before = totals();
  {
    const Arena arena;
    const Shape shape(arena, 16, 4);
    tlblab_account a{};
    tlblab_account b{};
    std::thread first([&] { a = initiator(arena, shape.ranges(), 2, TLBLAB_MERGED); });
    std::thread second([&] { b = initiator(arena, shape.ranges(), 1, TLBLAB_PER_TABLE); });
    first.join();
    second.join();
    // Each entry was found set or empty by each; whatever was set was released once.
    EXPECT_EQ(a.cleared + a.empty, 64u * kRounds);
    EXPECT_EQ(b.cleared + b.empty, 64u * kRounds);
    EXPECT_EQ(a.cleared, a.released);
    EXPECT_EQ(b.cleared, b.released);
  }
  EXPECT_EQ(totals().frames_in_use, before.frames_in_use);
}

TEST(two_processes_on_the_same_frames_lose_nothing) {
  const tlblab_totals before = totals();
  {
    const Arena arena;
    const auto work = [&](int cpu) {
      const Shape mine(arena, 8, 4);
      const tlblab_account sum = initiator(arena, mine.ranges(), cpu, TLBLAB_MERGED);
      return sum.cleared == 32u * kRounds ? 0 : 1;
    };
    std::thread other([&] { EXPECT_EQ(in_child([&] { return work(1); }), 0); });
    EXPECT_EQ(in_child([&] { return work(2); }), 0);
    other.join();
  }
  EXPECT_EQ(totals().frames_in_use, before.frames_in_use);
  EXPECT_TRUE(books_balance(totals()));
}

}  // namespace tlblab::vm
