// SPDX-License-Identifier: GPL-2.0-only
// The frames' books balance at every instant, and a performed request allocates nothing.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"

namespace tlblab::vm {
namespace {

const char* const kFailAllocation = "/sys/module/tlblab/parameters/fail_allocation";

/// Populates, unmaps and closes: frames take every path.
void move_frames(unsigned nr_rounds, int cpu) {
  pin_to_cpu(cpu);
  for (unsigned round = 0; round < nr_rounds; ++round) {
    const Arena arena;
    const Shape shape(arena, 2, 40);
    for (int i = 0; i < 4; ++i) {
      auto request =
          unmap_request(catalogue::kGathers[round % std::size(catalogue::kGathers)].value);
      request.flags = TLBLAB_ORACLE;
      EXPECT_EQ(arena.perform(request, shape.ranges()), 0);
      EXPECT_EQ(arena.populate(shape.ranges(), nullptr, TLBLAB_TAG), 0);
    }
  }
}

/// Has the kernel call every shrinker.
void ask_for_memory() {
  std::ofstream file("/proc/sys/vm/drop_caches");
  file << "2" << std::flush;
}

}  // namespace

TEST(books_balance_at_every_instant) {
  const Arena arena;
  std::atomic<unsigned> nr_busy{2};
  std::thread movers[2];
  for (int i = 0; i < 2; ++i) {
    movers[i] = std::thread([&nr_busy, i] {
      move_frames(60, i + 1);
      --nr_busy;
    });
  }
  std::thread pressure([&nr_busy] {
    pin_to_cpu(3);
    while (nr_busy != 0) {
      ask_for_memory();
      usleep(20'000);
    }
  });
  std::uint64_t nr_read = 0;
  std::uint64_t nr_wrong = 0;
  tlblab_totals wrong{};
  // Each reading is one call on an arena that stays open.
  while (nr_busy != 0) {
    auto books = sized<tlblab_totals>();
    if (ioctl(arena.fd(), TLBLAB_TOTALS, &books) != 0) break;
    ++nr_read;
    if (books_balance(books)) continue;
    ++nr_wrong;
    wrong = books;
  }
  for (std::thread& mover : movers) mover.join();
  pressure.join();
  EXPECT_GE(nr_read, 100u);
  EXPECT_EQ(nr_wrong, 0u);
  if (nr_wrong != 0) {
    fail(__FILE__, __LINE__,
         "one of " + std::to_string(nr_read) + ": taken " + std::to_string(wrong.frames_taken) +
             ", returned " + std::to_string(wrong.frames_returned) + ", quarantined " +
             std::to_string(wrong.frames_quarantined) + ", in use " +
             std::to_string(wrong.frames_in_use));
  }
}

// An allocation in a timed call would be timed, too, and differ from one scheme to another.
TEST(performing_allocates_nothing) {
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    for (const std::uint64_t batch : {0u, 7u}) {
      const Arena arena;
      const Shape shape(arena, 4, 100);
      auto request = unmap_request(gather.value);
      request.batch_pages = batch;
      write_file(kFailAllocation, "1");
      const int error = arena.perform(request, shape.ranges());
      std::string left;
      std::ifstream(kFailAllocation) >> left;
      write_file(kFailAllocation, "0");
      EXPECT_EQ(error, 0);
      EXPECT_EQ(left, std::string("1"));
      EXPECT_EQ(request.account.cleared, error == 0 ? 400u : 0u);
    }
  }
}

}  // namespace tlblab::vm
