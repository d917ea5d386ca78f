// SPDX-License-Identifier: GPL-2.0-only
// userfaultfd on lab memory: as long as it is registered, the module refuses it; and entries that
// userfaultfd has set are not the module's to take. Many kernels refuse to register such memory at
// all, and then there is nothing to see.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"
#include "tests/vm/uffd.hh"

namespace tlblab::vm {
namespace {

const char* const kRefused = "this kernel registers no lab memory with userfaultfd";

/// A way to register, which some kernel has for such memory.
struct Way {
  std::uint64_t features;
  std::uint64_t mode;
};
const Way kWays[] = {
    {0, UFFDIO_REGISTER_MODE_MISSING},
    {0, UFFDIO_REGISTER_MODE_WP},
    {0, UFFDIO_REGISTER_MODE_MINOR},
    {kUffdWpAsync | kUffdWpUnpopulated, UFFDIO_REGISTER_MODE_WP},
};

/// How many entries of the pages say in /proc/self/pagemap that they are protected by userfaultfd.
std::uint64_t nr_marked(std::uint64_t start, std::uint64_t nr) {
  constexpr std::uint64_t kMarked = 1ull << 57;
  const int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  REQUIRE_EQ(fd >= 0, true);
  std::vector<std::uint64_t> entries(nr);
  const std::size_t bytes = nr * sizeof(entries[0]);
  const auto offset = static_cast<off_t>(start / kPage * sizeof(entries[0]));
  REQUIRE_EQ(pread(fd, entries.data(), bytes, offset), static_cast<ssize_t>(bytes));
  close(fd);
  std::uint64_t marked = 0;
  for (const std::uint64_t entry : entries) marked += (entry & kMarked) != 0 ? 1 : 0;
  return marked;
}

/// Plants markers in the `nr` empty entries from `start`. False if the kernel has none for them.
bool plant_markers(Userfaultfd& uffd, std::uint64_t start, std::uint64_t nr) {
  return uffd.open(kUffdWpAsync | kUffdWpUnpopulated) &&
         uffd.register_range(start, nr * kPage, UFFDIO_REGISTER_MODE_WP) == 0 &&
         uffd.write_protect(start, nr * kPage, true) == 0 && nr_marked(start, nr) == nr;
}

}  // namespace

TEST(userfaultfd_on_lab_memory_is_refused) {
  if (!kernel_registers_lab_memory()) return skip(kRefused);
  const tlblab_totals before = totals();
  for (const Way& way : kWays) {
    const Arena arena;
    const std::uint64_t at = arena.map(0, 8 * kPage, 0);
    const std::vector<tlblab_range> all = {{at, 8 * kPage}};
    REQUIRE_EQ(arena.populate({{at, 4 * kPage}}), 0);
    Userfaultfd uffd;
    REQUIRE_EQ(uffd.open(way.features), true);
    if (uffd.register_range(at, 8 * kPage, way.mode) == 0) {
      auto request = unmap_request(TLBLAB_MERGED);
      EXPECT_EQ(arena.perform(request, all), EBUSY);
      EXPECT_EQ(arena.populate(all), EBUSY);
      EXPECT_EQ(uffd.unregister_range(at, 8 * kPage), 0);
    }
    // As if nothing had been.
    std::uint64_t nr_populated = 0;
    EXPECT_EQ(arena.populate(all, &nr_populated), 0);
    EXPECT_EQ(nr_populated, 4u);
    auto request = unmap_request(TLBLAB_MERGED);
    EXPECT_EQ(arena.perform(request, all), 0);
    EXPECT_EQ(request.account.cleared, 8u);
    EXPECT_EQ(munmap(reinterpret_cast<void*>(at), 8 * kPage), 0);
  }
  EXPECT_EQ(totals().frames_in_use, before.frames_in_use);
}

// How they were left there differs from kernel to kernel: some clear them when the memory is
// unregistered, some when the file is closed, some never.
TEST(userfaultfd_entries_are_left_alone) {
  if (!kernel_registers_lab_memory()) return skip(kRefused);
  const tlblab_totals before = totals();
  std::uint64_t nr_left = 0;
  for (const bool by_closing : {false, true}) {
    const Arena arena;
    const std::uint64_t at = arena.map(0, 8 * kPage, 0);
    const std::vector<tlblab_range> all = {{at, 8 * kPage}};
    // Two frames before and two behind four empty entries.
    REQUIRE_EQ(arena.populate({{at, 2 * kPage}, {at + 6 * kPage, 2 * kPage}}), 0);
    Userfaultfd uffd;
    if (!plant_markers(uffd, at + 2 * kPage, 4)) {
      // It may refuse a part of a VMA, which would be a second one.
      REQUIRE_EQ(plant_markers(uffd, at, 8), true);
    }
    if (by_closing) {
      uffd.close();
    } else {
      EXPECT_EQ(uffd.unregister_range(at, 8 * kPage), 0);
    }
    const std::uint64_t foreign = nr_marked(at + 2 * kPage, 4);
    nr_left += foreign;
    const tlblab_totals then = totals();
    auto request = unmap_request(TLBLAB_MERGED);
    EXPECT_EQ(arena.perform(request, all), foreign != 0 ? EUCLEAN : 0);
    const tlblab_totals now = totals();
    // An account is not delivered with an error, but it is in the totals.
    EXPECT_EQ(now.account.cleared - then.account.cleared, 4u);
    EXPECT_EQ(now.account.released - then.account.released, 4u);
    EXPECT_EQ(now.account.foreign - then.account.foreign, foreign);
    EXPECT_EQ(now.account.empty - then.account.empty, 4u - foreign);
    EXPECT_EQ(nr_marked(at + 2 * kPage, 4), foreign);
    std::uint64_t nr_populated = 0;
    EXPECT_EQ(arena.populate(all, &nr_populated), foreign != 0 ? EUCLEAN : 0);
    EXPECT_EQ(totals().frames_in_use, before.frames_in_use + 8 - foreign);
    EXPECT_EQ(munmap(reinterpret_cast<void*>(at), 8 * kPage), 0);
  }
  const tlblab_totals after = totals();
  EXPECT_EQ(after.frames_in_use, before.frames_in_use);
  EXPECT_TRUE(books_balance(after));
  if (nr_left == 0) skip("this kernel leaves no entries of userfaultfd's behind");
}

}  // namespace tlblab::vm
