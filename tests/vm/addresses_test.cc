// SPDX-License-Identifier: GPL-2.0-only
// Reuse of addresses. After any operation under any scheme, the whole address space is flushed
// before its addresses get other memory, by TLBLAB_POPULATE or after munmap(): a scheme may be
// wrong.
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <new>
#include <thread>
#include <vector>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"
#include "tests/vm/witness.hh"

namespace tlblab::vm {
namespace {

constexpr unsigned kRounds = 20;

/// Ordinary memory there, where nothing is mapped.
void map_ordinary(std::uint64_t at, std::uint64_t bytes) {
  void* const wanted = reinterpret_cast<void*>(at);
  REQUIRE_EQ(mmap(wanted, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
             wanted);
}

/// In how many of kRounds rounds `act` sent flush interrupts, while a responder spun in this
/// address space. A responder that is off its CPU gets none, and a flush of another process may be
/// counted, so neither 0 nor kRounds is certain.
unsigned rounds_with_interrupts(const std::function<void()>& prepare,
                                const std::function<void()>& act) {
  // One page of ordinary memory, for the responder to read.
  const std::uint64_t own = reserve(kPage);
  map_ordinary(own, kPage);
  const std::vector<tlblab_range> ranges = {{own, kPage}};
  unsigned seen = 0;
  {
    const Responders responders(1, ranges, Responders::Mode::kSpin);
    for (unsigned round = 0; round < kRounds; ++round) {
      prepare();
      (void)responders.switches();
      const std::uint64_t before = tlb_interrupts();
      act();
      seen += tlb_interrupts() != before ? 1 : 0;
    }
  }
  munmap(reinterpret_cast<void*>(own), kPage);
  return seen;
}

/// Room for a lab VMA between pages of ordinary memory, so that its page table stays when it is
/// unmapped: freeing a table causes a flush of its own.
class Neighboured {
 public:
  Neighboured() : base_(reserve(kBytes)) {
    const std::uint64_t behind = range().start + range().len_bytes;
    const std::uint64_t end = base_ + kBytes;
    map_ordinary(base_, range().start - base_);
    map_ordinary(behind, end - behind);
    for (std::uint64_t at = base_; at < range().start; at += kPage) touch(at);
    for (std::uint64_t at = behind; at < end; at += kPage) touch(at);
  }
  ~Neighboured() { munmap(reinterpret_cast<void*>(base_), kBytes); }
  Neighboured(const Neighboured&) = delete;
  Neighboured& operator=(const Neighboured&) = delete;

  void map() const { arena_.map(range().start, range().len_bytes, 0); }
  void unmap() const { munmap(reinterpret_cast<void*>(range().start), range().len_bytes); }
  [[nodiscard]] tlblab_range range() const { return {base_ + 4 * kPage, 4 * kPage}; }
  void populate() const { EXPECT_EQ(arena_.populate({range()}), 0); }
  /// Every entry, by a sound scheme.
  void perform() const {
    auto request = unmap_request(TLBLAB_MERGED);
    EXPECT_EQ(arena_.perform(request, {range()}), 0);
    EXPECT_EQ(request.account.cleared, 4u);
  }

 private:
  static void touch(std::uint64_t at) { *reinterpret_cast<volatile std::uint64_t*>(at) = at; }
  const std::uint64_t kBytes = 64 * kPage;
  Arena arena_;
  std::uint64_t base_;
};

/// What two processes share.
struct Pair {
  std::atomic<unsigned> rounds{0};  ///< of the one who counts
  std::atomic<bool> over{false};
};

/// Populates and unmaps its own mapping of the arena. Its witness must never read a released frame
/// through its TLB: the other process's last unmap releases frames, and has not flushed here.
int unmap_and_watch(const Arena& arena, Pair& pair, int cpu, bool counts) {
  pin_to_cpu(cpu);
  const std::uint64_t at = arena.map(0, 16 * kPage, 0);
  const std::vector<tlblab_range> all = {{at, 16 * kPage}};
  Witness witness(cpu + 1, all);
  for (unsigned round = 0; counts ? round < 60 : !pair.over.load(); ++round) {
    if (arena.populate(all, nullptr, TLBLAB_TAG) != 0) return 1;
    auto request = unmap_request(catalogue::kGathers[round % std::size(catalogue::kGathers)].value);
    request.flags = TLBLAB_ORACLE;
    if (arena.perform(request, all) != 0) return 2;
    ++pair.rounds;
  }
  if (counts) pair.over = true;
  // The witness counts from its last begin_round(), and there was none.
  return witness.end_round().released == 0 ? 0 : 3;
}

}  // namespace

TEST(populate_flushes_after_whatever_was_performed) {
  if (tlb_interrupts() == 0 && capabilities().features & TLBLAB_HAS_BROADCAST) {
    return skip("no interrupts tell of a flush here");
  }
  const Neighboured memory;
  memory.map();
  EXPECT_GE(rounds_with_interrupts(
                [&] {
                  memory.populate();
                  memory.perform();
                },
                [&] { memory.populate(); }),
            kRounds / 2);
}

TEST(munmap_flushes_after_whatever_was_performed) {
  if (tlb_interrupts() == 0 && capabilities().features & TLBLAB_HAS_BROADCAST) {
    return skip("no interrupts tell of a flush here");
  }
  const Neighboured memory;
  // Nothing is mapped when it comes to munmap(): the kernel itself has nothing to flush.
  EXPECT_GE(rounds_with_interrupts(
                [&] {
                  memory.map();
                  memory.populate();
                  memory.perform();
                },
                [&] { memory.unmap(); }),
            kRounds / 2);
}

TEST(two_processes_release_only_what_both_have_flushed) {
  const Arena arena;
  void* const shared =
      mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE_EQ(shared != MAP_FAILED, true);
  Pair& pair = *new (shared) Pair;
  std::thread other(
      [&] { EXPECT_EQ(in_child([&] { return unmap_and_watch(arena, pair, 2, false); }), 0); });
  EXPECT_EQ(in_child([&] { return unmap_and_watch(arena, pair, 0, true); }), 0);
  pair.over = true;
  other.join();
  EXPECT_GE(pair.rounds.load(), 60u);
  munmap(shared, kPage);
}

}  // namespace tlblab::vm
