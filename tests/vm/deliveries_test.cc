// SPDX-License-Identifier: GPL-2.0-only
// Deliveries follow the machine: never more than requests times eligible CPUs, and fewer only if a
// responder was switched off meanwhile. x86 alone has interrupts to count.
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"

namespace tlblab::vm {
namespace {

constexpr unsigned kOperations = 6;

/// One operation beside responders. False, with the reason printed, if there were more interrupts
/// than requests times eligible CPUs, or fewer although no responder was switched off.
bool deliveries_in_bounds(const Arena& arena, const Shape& shape, unsigned nr,
                          Responders::Mode mode, const catalogue::Gather& gather) {
  REQUIRE_EQ(arena.populate(shape.ranges()), 0);
  const Responders responders(nr, shape.ranges(), mode);
  const std::uint64_t switches = responders.switches();
  tlblab_request request = unmap_request(gather.value);
  // Only the operation's: populate and the responders' start are outside.
  const std::uint64_t before = tlb_interrupts();
  REQUIRE_EQ(arena.perform(request, shape.ranges()), 0);
  const std::uint64_t got = tlb_interrupts() - before;
  const bool was_off = responders.switches() != switches;
  const std::uint64_t most = mode == Responders::Mode::kSleep ? 0 : request.account.requests * nr;
  if (got == most || (got < most && was_off)) return true;
  fail(__FILE__, __LINE__,
       std::string(gather.name) + ", R = " + std::to_string(nr) + ": " + std::to_string(got) +
           " interrupts of " + std::to_string(most) +
           (was_off ? ", a responder was off" : ", no responder was ever off"));
  return false;
}

/// In a process of its own, pinned before its first thread: so R = 0 means none.
int all_in_bounds(unsigned nr, Responders::Mode mode) {
  pin_to_cpu(0);
  // No page may be shared with the parent. Otherwise the first reading of the interrupts is copied
  // into some that are, after it was taken, and the copy that each then needs is a flush as well.
  if (mlockall(MCL_CURRENT) != 0) return 2;
  const Arena arena;
  const Shape shape(arena, 16, 4);
  bool good = true;
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    if (gather.flush_at <= catalogue::Boundary::kTable) continue;  // many requests say no more
    for (unsigned i = 0; i < kOperations; ++i) {
      good = deliveries_in_bounds(arena, shape, nr, mode, gather) && good;
    }
  }
  return good ? 0 : 1;
}

void check_deliveries(Responders::Mode mode) {
  if ((capabilities().features & TLBLAB_HAS_BROADCAST) != 0) {
    return skip("flushes are broadcast here: no interrupt to count");
  }
  REQUIRE_EQ(get_nprocs() >= 4, true);
  for (unsigned nr = 0; nr <= 3; ++nr) {
    EXPECT_EQ(in_child([&] { return all_in_bounds(nr, mode); }), 0);
  }
}

}  // namespace

TEST(deliveries_to_spinning_responders) { check_deliveries(Responders::Mode::kSpin); }

TEST(deliveries_to_sleeping_responders) { check_deliveries(Responders::Mode::kSleep); }

}  // namespace tlblab::vm
