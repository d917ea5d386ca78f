// SPDX-License-Identifier: GPL-2.0-only
// The arena: frames by file and offset, and what lab VMAs refuse.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"

namespace tlblab::vm {
namespace {

volatile std::uint64_t& word(std::uint64_t address) {
  return *reinterpret_cast<volatile std::uint64_t*>(address);
}

void* pointer(std::uint64_t address) { return reinterpret_cast<void*>(address); }

int mmap_error(const Arena& arena, int protection, int flags, std::uint64_t bytes,
               std::uint64_t offset) {
  void* got = mmap(nullptr, bytes, protection, flags, arena.fd(), static_cast<off_t>(offset));
  if (got == MAP_FAILED) return errno;
  munmap(got, bytes);
  return 0;
}

}  // namespace

TEST(device_is_for_root_alone) {
  struct stat device = {};
  REQUIRE_EQ(stat(TLBLAB_DEVICE, &device), 0);
  EXPECT_EQ(device.st_mode & 0777u, 0600u);
}

TEST(mmap_that_a_lab_vma_cannot_be) {
  const Arena arena;
  constexpr int kReadWrite = PROT_READ | PROT_WRITE;
  EXPECT_EQ(mmap_error(arena, kReadWrite, MAP_SHARED, kPage, 0), 0);
  EXPECT_EQ(mmap_error(arena, PROT_READ, MAP_SHARED, kPage, 0), 0);
  EXPECT_EQ(mmap_error(arena, kReadWrite, MAP_PRIVATE, kPage, 0), EINVAL);
  EXPECT_EQ(mmap_error(arena, PROT_NONE, MAP_SHARED, kPage, 0), EINVAL);
  EXPECT_EQ(mmap_error(arena, PROT_READ | PROT_EXEC, MAP_SHARED, kPage, 0), EACCES);
  EXPECT_EQ(mmap_error(arena, kReadWrite, MAP_SHARED, 2 * kPage, TLBLAB_MAX_BYTES - kPage), EINVAL);
  EXPECT_EQ(mmap_error(arena, kReadWrite, MAP_SHARED, kPage, TLBLAB_MAX_BYTES - kPage), 0);
}

TEST(empty_entries_fault_and_new_frames_are_zero) {
  const Arena arena;
  const std::uint64_t at = arena.map(0, 4 * kPage, 0);
  EXPECT_TRUE(faults_with_sigbus(at));
  std::uint64_t nr_populated = 0;
  REQUIRE_EQ(arena.populate({{at + kPage, 2 * kPage}}, &nr_populated), 0);
  EXPECT_EQ(nr_populated, 2u);
  EXPECT_TRUE(faults_with_sigbus(at));
  EXPECT_EQ(word(at + kPage), 0u);
  word(at + 2 * kPage) = 7;
  // What is set stays.
  REQUIRE_EQ(arena.populate({{at, 4 * kPage}}, &nr_populated), 0);
  EXPECT_EQ(nr_populated, 2u);
  EXPECT_EQ(word(at + 2 * kPage), 7u);
  // Unmapped and populated again: another, zeroed frame.
  auto request = unmap_request(TLBLAB_MERGED);
  REQUIRE_EQ(arena.perform(request, {{at, 4 * kPage}}), 0);
  EXPECT_TRUE(faults_with_sigbus(at + 2 * kPage));
  REQUIRE_EQ(arena.populate({{at, 4 * kPage}}), 0);
  EXPECT_EQ(word(at + 2 * kPage), 0u);
  munmap(pointer(at), 4 * kPage);
}

TEST(frames_belong_to_file_and_offset) {
  const Arena arena;
  const std::uint64_t a = arena.map(0, 4 * kPage, 0);
  const std::uint64_t b = arena.map(0, 2 * kPage, 2 * kPage);
  REQUIRE_EQ(arena.populate({{a, 4 * kPage}}), 0);
  REQUIRE_EQ(arena.populate({{b, 2 * kPage}}), 0);
  word(a + 2 * kPage) = 42;
  EXPECT_EQ(word(b), 42u);
  // Still mapped by the other VMA: unhooked here, not released.
  auto request = unmap_request(TLBLAB_MERGED);
  REQUIRE_EQ(arena.perform(request, {{a, 4 * kPage}}), 0);
  EXPECT_EQ(request.account.cleared, 4u);
  EXPECT_EQ(request.account.released, 2u);
  EXPECT_EQ(word(b), 42u);
  // And it is the same frame when it is mapped again.
  REQUIRE_EQ(arena.populate({{a, 4 * kPage}}), 0);
  EXPECT_EQ(word(a + 2 * kPage), 42u);
  munmap(pointer(a), 4 * kPage);
  EXPECT_EQ(word(b), 42u);
  munmap(pointer(b), 2 * kPage);
}

TEST(one_frame_twice_in_one_request) {
  const Arena arena;
  const std::uint64_t base = reserve(8 * kPage);
  arena.map(base, 2 * kPage, 0);
  arena.map(base + 4 * kPage, 2 * kPage, 0);
  const std::vector<tlblab_range> both = {{base, 2 * kPage}, {base + 4 * kPage, 2 * kPage}};
  REQUIRE_EQ(arena.populate(both), 0);
  auto request = unmap_request(TLBLAB_MERGED);
  REQUIRE_EQ(arena.perform(request, both), 0);
  EXPECT_EQ(request.account.cleared, 4u);
  EXPECT_EQ(request.account.released, 2u);
  munmap(pointer(base), 8 * kPage);
}

TEST(lab_vma_cannot_be_changed) {
  const Arena arena;
  const std::uint64_t at = arena.map(0, 8 * kPage, 0);
  REQUIRE_EQ(arena.populate({{at, 8 * kPage}}), 0);
  word(at + 3 * kPage) = 3;
  const auto refused = [](int result) { return result == 0 ? 0 : errno; };
  const auto moved = [](void* result) { return result == MAP_FAILED ? errno : 0; };

  EXPECT_EQ(refused(munmap(pointer(at), kPage)), EINVAL);
  EXPECT_EQ(refused(munmap(pointer(at + 7 * kPage), kPage)), EINVAL);
  EXPECT_EQ(refused(munmap(pointer(at + 2 * kPage), kPage)), EINVAL);
  EXPECT_EQ(refused(mprotect(pointer(at), 8 * kPage, PROT_READ)), EINVAL);
  EXPECT_EQ(refused(mprotect(pointer(at), kPage, PROT_NONE)), EINVAL);
  EXPECT_EQ(refused(mprotect(pointer(at), kPage, PROT_READ | PROT_EXEC)) != 0, true);
  for (const int advice :
       {MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_DOFORK, MADV_COLD, MADV_PAGEOUT}) {
    EXPECT_TRUE(refused(madvise(pointer(at), 8 * kPage, advice)) != 0);
  }
  // Moving, growing, shrinking, duplicating.
  EXPECT_EQ(moved(mremap(pointer(at), 8 * kPage, 4 * kPage, 0)), EINVAL);
  EXPECT_EQ(moved(mremap(pointer(at), 8 * kPage, 16 * kPage, MREMAP_MAYMOVE)), EFAULT);
  const std::uint64_t elsewhere = reserve(8 * kPage);
  EXPECT_TRUE(moved(mremap(pointer(at), 8 * kPage, 8 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED,
                           pointer(elsewhere))) != 0);
  EXPECT_TRUE(moved(mremap(pointer(at), 0, 8 * kPage, MREMAP_MAYMOVE)) != 0);

  // All that left it as it was.
  EXPECT_EQ(word(at + 3 * kPage), 3u);
  std::uint64_t nr_populated = 1;
  EXPECT_EQ(arena.populate({{at, 8 * kPage}}, &nr_populated), 0);
  EXPECT_EQ(nr_populated, 0u);
  EXPECT_EQ(refused(munmap(pointer(at), 8 * kPage)), 0);
}

TEST(unmap_leaves_its_neighbours_alone) {
  // Ordinary memory right before and behind a lab VMA, in the same page table.
  constexpr unsigned kNeighbours = 16;
  const Arena arena;
  for (const unsigned nr_pages : {1u, 3u}) {
    const std::uint64_t base = reserve((2 * kNeighbours + nr_pages) * kPage);
    const std::uint64_t at = base + kNeighbours * kPage;
    const std::uint64_t behind = at + nr_pages * kPage;
    for (const std::uint64_t neighbour : {base, behind}) {
      void* got = mmap(pointer(neighbour), kNeighbours * kPage, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
      REQUIRE_EQ(got, pointer(neighbour));
    }
    for (unsigned i = 0; i < kNeighbours; ++i) {
      word(base + i * kPage) = i + 1;
      word(behind + i * kPage) = i + 1;
    }
    arena.map(at, nr_pages * kPage, 0);
    for (const catalogue::Gather& gather : catalogue::kGathers) {
      std::uint64_t nr_populated = 0;
      REQUIRE_EQ(arena.populate({{at, nr_pages * kPage}}, &nr_populated), 0);
      EXPECT_EQ(nr_populated, nr_pages);
      auto request = unmap_request(gather.value);
      REQUIRE_EQ(arena.perform(request, {{at, nr_pages * kPage}}), 0);
      EXPECT_EQ(request.account.cleared, nr_pages);
      EXPECT_EQ(request.account.released, nr_pages);
      for (unsigned i = 0; i < kNeighbours; ++i) {
        EXPECT_EQ(word(base + i * kPage), i + 1);
        EXPECT_EQ(word(behind + i * kPage), i + 1);
      }
    }
    munmap(pointer(base), (2 * kNeighbours + nr_pages) * kPage);
  }
}

TEST(kernel_leaves_the_frames_alone) {
  const Arena arena;
  const std::uint64_t at = arena.map(0, 4 * kPage, 0);
  REQUIRE_EQ(arena.populate({{at, 4 * kPage}}), 0);
  // get_user_pages() finds nothing to hold: a direct write from a pipe's page, mlock(), vmsplice().
  EXPECT_EQ(mlock(pointer(at), 4 * kPage), 0);
  int ends[2];
  REQUIRE_EQ(pipe(ends), 0);
  struct iovec vector = {pointer(at), kPage};
  EXPECT_EQ(vmsplice(ends[1], &vector, 1, 0), ssize_t{-1});
  close(ends[0]);
  close(ends[1]);
  munmap(pointer(at), 4 * kPage);
}

TEST(child_of_fork_has_no_lab_vma) {
  const Arena arena;
  const Shape shape(arena, 2, 2);
  shape.touch();
  const std::uint64_t at = shape.ranges()[0].start;
  EXPECT_EQ(in_child([&] {
              // It has the file but not the VMA: the call finds nothing at these addresses.
              auto request = unmap_request(TLBLAB_MERGED);
              if (arena.perform(request, shape.ranges()) != EFAULT) return 1;
              return word(at) == at ? 2 : 3;  // never reached
            }),
            128 + SIGSEGV);
  EXPECT_EQ(word(at), at);
}

TEST(another_process_maps_the_same_frames) {
  const Arena arena;
  const Shape shape(arena, 1, 4);
  const std::uint64_t at = shape.ranges()[0].start;
  word(at) = 11;
  const tlblab_totals before = totals();
  EXPECT_EQ(in_child([&] {
              const std::uint64_t mine = arena.map(0, 4 * kPage, 0);
              if (arena.populate({{mine, 4 * kPage}}) != 0) return 1;
              if (word(mine) != 11) return 2;
              word(mine) = 12;
              auto request = unmap_request(TLBLAB_MERGED);
              if (arena.perform(request, {{mine, 2 * kPage}}) != 0) return 3;
              // The parent maps them still. The rest goes with this process.
              return request.account.cleared == 2 && request.account.released == 0 ? 0 : 4;
            }),
            0);
  EXPECT_EQ(word(at), 12u);
  EXPECT_EQ(totals().frames_in_use, before.frames_in_use);
  auto request = unmap_request(TLBLAB_MERGED);
  REQUIRE_EQ(arena.perform(request, shape.ranges()), 0);
  EXPECT_EQ(request.account.released, 4u);
}

TEST(books_balance_and_nothing_stays) {
  const tlblab_totals before = totals();
  EXPECT_TRUE(books_balance(before));
  EXPECT_EQ(before.frames_in_use, 0u);
  {
    const Arena arena;
    // 40 MiB: many frames, and less than a small guest has to give.
    const auto pages = static_cast<unsigned>((4u << 20) / kPage);
    const Shape shape(arena, 10, pages);
    const tlblab_totals during = totals();
    EXPECT_TRUE(books_balance(during));
    EXPECT_EQ(during.frames_in_use, 10 * pages);
    auto request = unmap_request(TLBLAB_PER_VMA);
    REQUIRE_EQ(arena.perform(request, {shape.ranges().begin(), shape.ranges().begin() + 5}), 0);
    const tlblab_totals half = totals();
    EXPECT_TRUE(books_balance(half));
    EXPECT_EQ(half.frames_in_use, 5 * pages);
    EXPECT_GE(half.frames_quarantined, 5 * pages);
  }
  const tlblab_totals after = totals();
  EXPECT_TRUE(books_balance(after));
  EXPECT_EQ(after.frames_in_use, 0u);
  EXPECT_EQ(after.operations, before.operations + 1);
  EXPECT_TRUE(after.global_flushes > before.global_flushes);
}

}  // namespace tlblab::vm
