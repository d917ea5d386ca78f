// SPDX-License-Identifier: GPL-2.0-only
// Deliveries follow the machine: never more than requests times eligible CPUs. x86 alone has
// interrupts to count.
#include <sys/sysinfo.h>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"

namespace tlblab::vm {
namespace {

constexpr unsigned kOperations = 6;

struct Deliveries {
  std::uint64_t requests = 0;
  std::uint64_t interrupts = 0;
};

/// Interrupts inside the operations alone: populate and the responders' start are outside.
Deliveries unmap_beside(unsigned nr, Responders::Manner manner, std::uint32_t gather) {
  const Arena arena;
  const Shape shape(arena, 16, 4);
  Deliveries sum;
  for (unsigned i = 0; i < kOperations; ++i) {
    REQUIRE_EQ(arena.populate(shape.ranges()), 0);
    const Responders responders(nr, shape.ranges(), manner);
    tlblab_request request = unmap_request(gather);
    const std::uint64_t before = tlb_interrupts();
    REQUIRE_EQ(arena.perform(request, shape.ranges()), 0);
    sum.interrupts += tlb_interrupts() - before;
    sum.requests += request.account.requests;
  }
  return sum;
}

/// In a process of its own, pinned before its first thread: so R = 0 means none.
int deliveries_in_bounds(unsigned nr, Responders::Manner manner) {
  pin_to_cpu(0);
  int bad = 0;
  for (const std::uint32_t gather : {TLBLAB_PER_VMA, TLBLAB_MERGED, TLBLAB_FULL_MM}) {
    const Deliveries got = unmap_beside(nr, manner, gather);
    const std::uint64_t most = manner == Responders::Manner::kSleep ? 0 : got.requests * nr;
    // A spinning responder can be off its CPU for a moment: design.md saw 6 of 200 windows short.
    const std::uint64_t least = most * 3 / 4;
    if (got.interrupts > most || got.interrupts < least) {
      fail(__FILE__, __LINE__,
           "gather " + std::to_string(gather) + ", R = " + std::to_string(nr) + ": " +
               std::to_string(got.interrupts) + " interrupts, between " + std::to_string(least) +
               " and " + std::to_string(most) + " expected");
      bad = 1;
    }
  }
  return bad;
}

void check_deliveries(Responders::Manner manner) {
  if ((capabilities().features & TLBLAB_HAS_BROADCAST) != 0) {
    return skip("flushes are broadcast here: no interrupt to count");
  }
  REQUIRE_EQ(get_nprocs() >= 4, true);
  for (unsigned nr = 0; nr <= 3; ++nr) {
    EXPECT_EQ(in_child([&] { return deliveries_in_bounds(nr, manner); }), 0);
  }
}

}  // namespace

TEST(deliveries_to_spinning_responders) { check_deliveries(Responders::Manner::kSpin); }

TEST(deliveries_to_sleeping_responders) { check_deliveries(Responders::Manner::kSleep); }

}  // namespace tlblab::vm
