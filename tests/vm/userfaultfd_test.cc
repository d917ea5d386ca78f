// SPDX-License-Identifier: GPL-2.0-only
// userfaultfd on lab memory: as long as it is registered, the module refuses it; and entries that
// userfaultfd has set are not the module's to take. Many kernels refuse to register such memory at
// all; then there is nothing to test.
#include <sys/mman.h>

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

/// Has the kernel mark all entries of a lab VMA, the empty ones, too. False if it has no marks.
bool plant_markers(Userfaultfd& uffd, std::uint64_t start, std::uint64_t bytes) {
  return uffd.open(kUffdWpAsync | kUffdWpUnpopulated) &&
         uffd.register_range(start, bytes, UFFDIO_REGISTER_MODE_WP) == 0 &&
         uffd.write_protect(start, bytes, true) == 0;
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

// What is left of them when the memory is no longer registered differs: some kernels clear them
// then, some when the file is closed, some never. Only the module's account shows which:
// pagemap shows no such memory.
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
    if (!plant_markers(uffd, at, 8 * kPage)) return skip("this kernel has no marks for them");
    if (by_closing) {
      uffd.close();
    } else {
      EXPECT_EQ(uffd.unregister_range(at, 8 * kPage), 0);
    }
    std::uint64_t foreign = 0;
    for (int time = 0; time < 2; ++time) {
      const tlblab_totals then = totals();
      auto request = unmap_request(TLBLAB_MERGED);
      const int error = arena.perform(request, all);
      const tlblab_totals now = totals();
      // An account is not delivered with an error, but it is in the totals.
      const std::uint64_t frames = time == 0 ? 4 : 0;
      EXPECT_EQ(now.account.cleared - then.account.cleared, frames);
      EXPECT_EQ(now.account.released - then.account.released, frames);
      const std::uint64_t met = now.account.foreign - then.account.foreign;
      EXPECT_EQ(now.account.empty - then.account.empty, 8 - frames - met);
      EXPECT_EQ(error, met != 0 ? EUCLEAN : 0);
      EXPECT_TRUE(met == 0 || met == 4);
      // It left them, and meets them again.
      if (time == 1) EXPECT_EQ(met, foreign);
      foreign = met;
    }
    nr_left += foreign;
    EXPECT_EQ(arena.populate(all), foreign != 0 ? EUCLEAN : 0);
    EXPECT_EQ(totals().frames_in_use, before.frames_in_use + 8 - foreign);
    EXPECT_EQ(munmap(reinterpret_cast<void*>(at), 8 * kPage), 0);
  }
  const tlblab_totals after = totals();
  EXPECT_EQ(after.frames_in_use, before.frames_in_use);
  EXPECT_TRUE(books_balance(after));
  if (nr_left == 0) skip("this kernel leaves no entries of userfaultfd's behind");
}

}  // namespace tlblab::vm
