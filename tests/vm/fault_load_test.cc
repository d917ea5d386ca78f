// SPDX-License-Identifier: GPL-2.0-only
// The safety rule: every planted fault at once, with witnesses that write through stale
// translations, while memory is short. No other process may be harmed. The runner checks the
// kernel's log.
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <new>
#include <random>
#include <thread>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"
#include "tests/vm/witness.hh"

namespace tlblab::vm {
namespace {

using Clock = std::chrono::steady_clock;

/// As long as FAULT_SECONDS in the environment says, else this.
constexpr unsigned kSeconds = 3;
/// And as much longer, at most, as it takes until enough has happened: hosts differ.
constexpr auto kPatience = std::chrono::seconds(60);

Clock::duration duration() {
  const char* const text = std::getenv("FAULT_SECONDS");
  return std::chrono::seconds(text != nullptr ? std::strtoul(text, nullptr, 10) : kSeconds);
}

/// Tells the processes to end, in shared memory.
using End = std::atomic<bool>;

/// A random unmap: gather, extent, batch, oracle and fault, or no fault.
tlblab_request any_request(std::mt19937& random) {
  const catalogue::Gather& gather = catalogue::kGathers[random() % std::size(catalogue::kGathers)];
  tlblab_request request = unmap_request(gather.value);
  if (catalogue::has(gather.extents, TLBLAB_EXACT) && random() % 2 != 0) {
    request.extent = TLBLAB_EXACT;
  }
  request.flags = random() % 4 != 0 ? TLBLAB_ORACLE : 0;
  request.batch_pages = random() % 2 != 0 ? 1 + random() % 200 : 0;
  request.fault = random() % (std::size(catalogue::kFaults) + 1);
  if (!catalogue::has(catalogue::faults_anywhere(), request.fault)) request.fault = 0;
  return request;
}

/// Populates and unmaps the ranges until the end. False if a call failed for another reason than
/// lack of memory, or released more than it unmapped.
bool initiate(const Arena& arena, const std::vector<tlblab_range>& ranges, unsigned seed,
              const End& end) {
  std::mt19937 random(seed);
  while (!end) {
    const int error = arena.populate(ranges, nullptr, random() % 4 != 0 ? TLBLAB_TAG : 0);
    if (error != 0 && error != ENOMEM) return false;
    tlblab_request request = any_request(random);
    if (arena.perform(request, ranges) != 0) return false;
    if (request.account.released > request.account.cleared) return false;
    // Time for witnesses to use stale translations, before a populate flushes them.
    usleep(random() % 3000);
  }
  return true;
}

/// A process with one or two initiators on the same ranges, and a witness that writes to some pages
/// of them. A second initiator's populate flushes what a fault of the first left behind.
int troublemaker(unsigned seed, bool two, const End& end) {
  const Arena arena;
  const Shape shape(arena, 4, 300);
  const std::vector<tlblab_range> watched = {{shape.ranges()[0].start, 4 * kPage}};
  bool good[2] = {true, true};
  {
    const Witness witness(3, watched, Witness::Access::kWrite);
    std::thread other([&] {
      pin_to_cpu(2);
      if (two) good[0] = initiate(arena, shape.ranges(), seed, end);
    });
    good[1] = initiate(arena, shape.ranges(), seed + 1, end);
    other.join();
  }
  return good[0] && good[1] ? 0 : 1;
}

/// A process that takes half of what is free, and lets a fault release it.
int hog(std::uint64_t bytes, const End& end) {
  const Arena arena;
  const std::uint64_t at = arena.map(0, bytes, 0);
  const bool good = initiate(arena, {{at, bytes}}, 77, end);
  return good ? 0 : 1;
}

/// A bystander: gets memory that the module had, and must find in it what it wrote.
int bystander(std::uint64_t bytes, const End& end) {
  void* got = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got == MAP_FAILED) return 1;
  auto* words = static_cast<volatile std::uint64_t*>(got);
  const std::uint64_t nr_words = bytes / sizeof(*words);
  for (std::uint64_t round = 1; !end; ++round) {
    for (std::uint64_t i = 0; i < nr_words; i += 8) {
      if (words[i] != 0) return 2;
      words[i] = i ^ round;
    }
    for (std::uint64_t i = 0; i < nr_words; i += 8) {
      if (words[i] != (i ^ round)) return 3;
    }
    if (madvise(got, bytes, MADV_DONTNEED) != 0) return 4;
  }
  return 0;
}

}  // namespace

TEST(fault_of_every_kind_with_little_memory_harms_nobody) {
  const tlblab_totals before = totals();
  struct sysinfo info = {};
  REQUIRE_EQ(sysinfo(&info), 0);
  const std::uint64_t free_bytes = std::uint64_t{info.freeram} * info.mem_unit;
  void* const shared =
      mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE_EQ(shared != MAP_FAILED, true);
  End& end = *new (shared) End(false);
  const auto run = [](auto f) { return std::thread([f] { EXPECT_EQ(in_child(f), 0); }); };
  std::thread processes[] = {
      run([&end] { return troublemaker(1, true, end); }),
      run([&end] { return troublemaker(100, false, end); }),
      run([&end, free_bytes] { return hog(free_bytes / 2 / kPage * kPage, end); }),
      run([&end, free_bytes] { return bystander(free_bytes / 8 / kPage * kPage, end); }),
  };
  const auto is_enough = [&before, free_bytes] {
    const tlblab_totals now = totals();
    return now.frames_taken >= before.frames_taken + free_bytes / 2 / kPage &&
           now.operations >= before.operations + 10 && now.stale_writes > before.stale_writes;
  };
  const Clock::time_point least = Clock::now() + duration();
  while (Clock::now() < least || (!is_enough() && Clock::now() < least + kPatience)) {
    usleep(10'000);
  }
  EXPECT_TRUE(is_enough());
  end = true;
  for (std::thread& process : processes) process.join();
  munmap(shared, kPage);
  const tlblab_totals after = totals();
  EXPECT_EQ(after.frames_in_use, before.frames_in_use);
  EXPECT_EQ(after.frames_taken, after.frames_returned);
  EXPECT_TRUE(books_balance(after));
}

}  // namespace tlblab::vm
