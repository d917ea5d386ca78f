// SPDX-License-Identifier: GPL-2.0-only
// Instructions per page of the lab's merged unmap, and of the stock kernel's munmap on ordinary
// memory of the same shape; and per frame that the quarantine gives back. For a guest with one CPU
// whose clock counts instructions (QEMU's -icount): a loop of known length in the same boot gives
// the instructions per nanosecond.
//
// Output, one figure a line: `NAME INSTRUCTIONS_PER_PAGE`.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <vector>

#include "tests/vm/lab.hh"

namespace tlblab::vm {
namespace {

constexpr unsigned kRepeats = 15;

std::uint64_t clock_ns() {
  timespec now{};
  // This thread's own time: kernel threads of a guest that has just booted are still busy.
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

/// Two instructions a round, whatever the compiler thinks.
void spin(std::uint64_t rounds) {
#if defined(__aarch64__)
  asm volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(rounds) : : "cc");
#else
  asm volatile("1: dec %0\n\tjnz 1b" : "+r"(rounds) : : "cc");
#endif
}

/// The median of several runs: a timer interrupt may add to one, or too much be subtracted.
template <class Setup, class Timed>
double median_ns(Setup setup, Timed timed) {
  std::array<std::uint64_t, kRepeats> runs{};
  for (std::uint64_t& run : runs) {
    setup();
    const std::uint64_t begin = clock_ns();
    timed();
    run = clock_ns() - begin;
  }
  std::nth_element(runs.begin(), runs.begin() + kRepeats / 2, runs.end());
  return static_cast<double>(runs[kRepeats / 2]);
}

double instructions_per_ns() {
  // As long as the operations: about a million instructions, hundreds of pages.
  constexpr std::uint64_t kRounds = 500'000;
  const double long_ns = median_ns([] {}, [] { spin(kRounds); });
  const double short_ns = median_ns([] {}, [] { spin(1); });
  return 2.0 * (kRounds - 1) / (long_ns - short_ns);
}

/// Lab VMAs of 100 pages that share their frames, so that a million pages need little memory.
class SharedShape {
 public:
  explicit SharedShape(unsigned nr_vmas) : bytes_(nr_vmas * kStride), base_(reserve(bytes_)) {
    for (unsigned i = 0; i < nr_vmas; ++i) {
      ranges_.push_back({arena_.map(base_ + i * kStride, kBytes, 0), kBytes});
    }
  }
  ~SharedShape() { munmap(reinterpret_cast<void*>(base_), bytes_); }
  SharedShape(const SharedShape&) = delete;
  SharedShape& operator=(const SharedShape&) = delete;

  void populate() const { arena_.populate(ranges_); }
  void unmap() const {
    auto request = unmap_request(TLBLAB_MERGED);
    if (arena_.perform(request, ranges_) != 0 || request.account.cleared != nr_pages()) {
      std::printf("# the unmap failed\n");
    }
  }
  [[nodiscard]] std::uint64_t nr_pages() const { return ranges_.size() * kBytes / kPage; }

 private:
  static inline const std::uint64_t kBytes = 100 * kPage;
  static inline const std::uint64_t kStride = kBytes + 2 * kPage;
  Arena arena_;
  std::uint64_t bytes_;
  std::uint64_t base_;
  std::vector<tlblab_range> ranges_;
};

/// `oracle`: every frame is tagged, and tagged again when it is released.
double lab_per_page(const Arena& arena, unsigned nr_vmas, unsigned pages, bool oracle) {
  const Shape shape(arena, nr_vmas, pages);
  auto request = unmap_request(TLBLAB_MERGED);
  if (oracle) {
    request.flags = TLBLAB_ORACLE;
    // The frames that the shape came with have no tags.
    arena.perform(request, shape.ranges());
  }
  return median_ns(
             [&] {
               arena.populate(shape.ranges(), nullptr, oracle ? TLBLAB_TAG : 0);
               request.account = {};
             },
             [&] { arena.perform(request, shape.ranges()); }) /
         static_cast<double>(shape.nr_pages());
}

double shared_per_page(unsigned nr_vmas) {
  const SharedShape shape(nr_vmas);
  return median_ns([&] { shape.populate(); }, [&] { shape.unmap(); }) /
         static_cast<double>(shape.nr_pages());
}

/// Per frame given back: populating one page more when 24 MiB are in quarantine, while `nr_vmas`
/// map the offsets of all these frames.
double drain_per_frame(unsigned nr_vmas) {
  constexpr std::uint64_t kBytes = 24 << 20;
  const Arena arena;
  const std::uint64_t base = reserve(nr_vmas * kBytes);
  for (unsigned i = 0; i < nr_vmas; ++i) arena.map(base + i * kBytes, kBytes, 0);
  const double ns = median_ns(
      [&] {
        auto request = unmap_request(TLBLAB_MERGED);
        arena.populate({{base, kBytes}});
        arena.perform(request, {{base, kBytes}});
      },
      [&] {
        arena.populate({{base, kPage}});
      });
  munmap(reinterpret_cast<void*>(base), nr_vmas * kBytes);
  return ns / static_cast<double>(kBytes / kPage);
}

/// One munmap over VMAs of ordinary memory, every page written.
double stock_per_page(unsigned nr_vmas, unsigned pages) {
  const std::uint64_t stride = (pages + 2) * kPage;
  const std::uint64_t before = reserve((nr_vmas + 1) * stride);
  // A neighbour on either side keeps the outer page tables, as the lab's VMAs keep theirs.
  const std::uint64_t base = before + kPage;
  for (const std::uint64_t neighbour : {before, base + nr_vmas * stride}) {
    mmap(reinterpret_cast<void*>(neighbour), kPage, PROT_NONE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  }
  const auto populate = [&] {
    for (unsigned i = 0; i < nr_vmas; ++i) {
      mmap(reinterpret_cast<void*>(base + i * stride), pages * kPage, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_FIXED, -1, 0);
    }
  };
  const auto unmap = [&] { munmap(reinterpret_cast<void*>(base), nr_vmas * stride); };
  return median_ns(populate, unmap) / (1.0 * nr_vmas * pages);
}

}  // namespace
}  // namespace tlblab::vm

int main() {
  using namespace tlblab::vm;
  const double per_ns = instructions_per_ns();
  const auto print = [per_ns](const char* name, double ns_per_page) {
    std::printf("%s %.1f\n", name, ns_per_page * per_ns);
    std::fflush(stdout);
  };
  {
    const Arena arena;
    print("lab_merged_16x4", lab_per_page(arena, 16, 4, false));
    print("lab_merged_100x100", lab_per_page(arena, 100, 100, false));
    print("lab_merged_100x100_oracle", lab_per_page(arena, 100, 100, true));
  }
  print("stock_munmap_16x4", stock_per_page(16, 4));
  print("stock_munmap_100x100", stock_per_page(100, 100));
  print("lab_merged_shared_1x100", shared_per_page(1));
  print("lab_merged_shared_10000x100", shared_per_page(10000));
  print("drain_1_vma", drain_per_frame(1));
  print("drain_1000_vmas", drain_per_frame(1000));
  return 0;
}
