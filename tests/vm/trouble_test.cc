// SPDX-License-Identifier: GPL-2.0-only
// Trouble: memory runs out, callers are killed, another MMU shares the memory. No frame is lost.
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"

namespace tlblab::vm {
namespace {

const char* const kFailAllocation = "/sys/module/tlblab/parameters/fail_allocation";

/// The n-th allocation from now fails. Returns the first errno that anything answered, or 0.
int once_through_everything(unsigned nth) {
  write_file(kFailAllocation, std::to_string(nth));
  const int fd = open(TLBLAB_DEVICE, O_RDWR);
  if (fd < 0) return errno;
  const auto leave = [fd](int error) {
    close(fd);
    return error;
  };
  const std::uint64_t bytes = 100 * kPage;
  void* got = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (got == MAP_FAILED) return leave(errno);
  const tlblab_range range = {reinterpret_cast<std::uint64_t>(got), bytes};
  auto populate = sized<tlblab_populate>();
  populate.ranges = reinterpret_cast<std::uint64_t>(&range);
  populate.nr_ranges = 1;
  populate.node = -1;
  int error = ioctl(fd, TLBLAB_POPULATE, &populate) == 0 ? 0 : errno;
  if (error == 0) {
    auto request = unmap_request(TLBLAB_MERGED);
    request.ranges = populate.ranges;
    request.nr_ranges = 1;
    error = ioctl(fd, TLBLAB_PERFORM, &request) == 0 ? 0 : errno;
    if (error == 0) EXPECT_EQ(request.account.cleared, 100u);
  }
  munmap(got, bytes);
  return leave(error);
}

}  // namespace

TEST(every_allocation_may_fail) {
  const tlblab_totals before = totals();
  unsigned nr_failed = 0;
  for (unsigned nth = 1;; ++nth) {
    const int error = once_through_everything(nth);
    write_file(kFailAllocation, "0");
    const tlblab_totals after = totals();
    EXPECT_EQ(after.frames_in_use, before.frames_in_use);
    EXPECT_TRUE(books_balance(after));
    if (error == 0) break;
    EXPECT_EQ(error, ENOMEM);
    ++nr_failed;
    REQUIRE_EQ(nr_failed < 1000, true);
  }
  // Open, mmap, two lists, 100 frames and their places in the index, spans, core's lists.
  EXPECT_GE(nr_failed, 200u);
}

TEST(memory_that_runs_out) {
  const tlblab_totals before = totals();
  struct sysinfo info = {};
  REQUIRE_EQ(sysinfo(&info), 0);
  EXPECT_EQ(in_child([&] {
              const Arena arena;
              const std::uint64_t bytes =
                  (std::uint64_t{info.totalram} * info.mem_unit * 2) / kPage * kPage;
              const std::uint64_t at = arena.map(0, bytes, 0);
              const int error = arena.populate({{at, bytes}});
              if (error != ENOMEM) return 1;
              // What was populated can be unmapped.
              auto request = unmap_request(TLBLAB_MERGED);
              if (arena.perform(request, {{at, bytes}}) != 0) return 2;
              return request.account.cleared == request.account.released &&
                             request.account.cleared > 1000
                         ? 0
                         : 3;
            }),
            0);
  const tlblab_totals after = totals();
  EXPECT_EQ(after.frames_in_use, before.frames_in_use);
  EXPECT_EQ(after.frames_taken, after.frames_returned);
}

TEST(caller_killed_in_mid_operation) {
  const tlblab_totals before = totals();
  for (int round = 0; round < 10; ++round) {
    const int status = in_child([&] {
      const pid_t self = getpid();
      const Arena arena;
      // A table each, and in none more pages than there are in the smallest.
      const std::uint64_t base = reserve(64 * kTableBytes);
      std::vector<tlblab_range> ranges;
      for (unsigned i = 0; i < 64; ++i) {
        ranges.push_back({arena.map(base + i * kTableBytes, 500 * kPage, 0), 500 * kPage});
      }
      // A grandchild kills after a while that differs from round to round.
      if (fork() == 0) {
        usleep(20000 + round * 7000);
        kill(self, SIGKILL);
        _exit(0);
      }
      for (;;) {
        if (arena.populate(ranges) != 0) return 1;
        auto request = unmap_request(round % 2 == 0 ? TLBLAB_PER_PAGE : TLBLAB_MERGED);
        if (arena.perform(request, ranges) != 0) return 2;
      }
    });
    EXPECT_EQ(status, 128 + SIGKILL);
    const tlblab_totals after = totals();
    EXPECT_EQ(after.frames_in_use, before.frames_in_use);
    EXPECT_TRUE(books_balance(after));
  }
}

TEST(module_in_use_cannot_be_unloaded) {
  const Arena arena;
  EXPECT_EQ(syscall(SYS_delete_module, "tlblab", O_NONBLOCK), -1L);
  EXPECT_EQ(errno, EWOULDBLOCK);
  // A VMA holds it even when the file is closed.
  EXPECT_EQ(in_child([] {
              std::uint64_t at = 0;
              {
                const Arena closed_soon;
                at = closed_soon.map(0, kPage, 0);
              }
              const bool held =
                  syscall(SYS_delete_module, "tlblab", O_NONBLOCK) == -1 && errno == EWOULDBLOCK;
              return held && at != 0 ? 0 : 1;
            }),
            0);
}

TEST(memory_shared_with_another_mmu_is_refused) {
  const int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (kvm < 0) return skip("no /dev/kvm in this guest");
  // In a child: an address space that had notifiers once counts as having them for its life.
  EXPECT_EQ(in_child([kvm] {
              const Arena arena;
              const Shape shape(arena, 2, 2);
              auto request = unmap_request(TLBLAB_MERGED);
              if (ioctl(kvm, KVM_CREATE_VM, 0) < 0) return 1;
              if (arena.perform(request, shape.ranges()) != EBUSY) return 2;
              return arena.populate(shape.ranges()) == EBUSY ? 0 : 3;
            }),
            0);
  close(kvm);
}

}  // namespace tlblab::vm
