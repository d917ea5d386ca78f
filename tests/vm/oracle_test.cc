// SPDX-License-Identifier: GPL-2.0-only
// The oracle: tags as abi.h documents; planted faults are seen by a witness, and under a sound
// scheme the same witness sees nothing in as many rounds.
#include <sched.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <string>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"
#include "tests/vm/witness.hh"

namespace tlblab::vm {
namespace {

/// The CPU of the witness; initiators are on CPU 0 and 2.
constexpr int kWitnessCpu = 1;

/// Pages that a round unmaps, if the test says nothing else, and most that are watched.
constexpr unsigned kPages = 64;

/// A fault that shows in every round as long as the TLB keeps what it has: an emulated one may
/// have dropped it.
constexpr unsigned kSureRounds = 10;
/// A fault that shows if the witness is in the right place in time: mostly in the first few rounds.
/// But the CPUs of an emulated machine must run side by side for that, and a busy host has them
/// take turns.
constexpr unsigned kChanceRounds = 3000;
/// Rounds of a sound scheme.
constexpr unsigned kSoundRounds = 100;

std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

volatile tlblab_tag& tag_at(std::uint64_t page) {
  return *reinterpret_cast<volatile tlblab_tag*>(page);
}

int populate_tagged(const Arena& arena, const std::vector<tlblab_range>& ranges) {
  return arena.populate(ranges, nullptr, TLBLAB_TAG);
}

tlblab_request watched_request(std::uint32_t gather, std::uint32_t fault) {
  tlblab_request request = unmap_request(gather);
  request.flags = TLBLAB_ORACLE;
  request.fault = fault;
  return request;
}

/// An arena with one VMA.
struct Mapped {
  explicit Mapped(unsigned nr_pages)
      : ranges{{arena.map(0, nr_pages * kPage, 0), nr_pages * kPage}} {}
  ~Mapped() { munmap(reinterpret_cast<void*>(ranges[0].start), ranges[0].len_bytes); }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  Arena arena;
  std::vector<tlblab_range> ranges;
};

/// The same, with a witness of its last kPages, or of the first few of these. The witness ends
/// before the VMA.
struct WatchedVma : Mapped {
  explicit WatchedVma(unsigned nr_pages = kPages, Witness::Access access = Witness::Access::kRead,
                      unsigned nr_watched = kPages)
      : Mapped(nr_pages),
        watched{{ranges[0].start + (nr_pages - kPages) * kPage, nr_watched * kPage}},
        witness(kWitnessCpu, watched, access) {}

  std::vector<tlblab_range> watched;
  Witness witness;
};

/// Populates and unmaps once. The account in `request`.
WitnessCounts round_of(WatchedVma& vma, tlblab_request& request, std::uint32_t populate_flags) {
  EXPECT_EQ(vma.arena.populate(vma.ranges, nullptr, populate_flags), 0);
  vma.witness.begin_round();
  EXPECT_EQ(vma.arena.perform(request, vma.ranges), 0);
  vma.witness.returned();
  return vma.witness.end_round();
}

/// Rounds until the witness has seen a released frame; `most` at most. Returns their number, or 0
/// if it has not.
unsigned rounds_until_leak(std::uint32_t gather, std::uint32_t fault, unsigned most,
                           unsigned nr_pages = kPages, unsigned nr_watched = kPages) {
  WatchedVma vma(nr_pages, Witness::Access::kRead, nr_watched);
  for (unsigned i = 1; i <= most; ++i) {
    tlblab_request request = watched_request(gather, fault);
    const WitnessCounts seen = round_of(vma, request, TLBLAB_TAG);
    EXPECT_EQ(request.account.cleared, nr_pages);
    EXPECT_EQ(request.account.released, nr_pages);
    EXPECT_GE(request.account.requests, 1u);
    EXPECT_GE(seen.served, nr_watched);
    if (seen.released != 0) return i;
  }
  return 0;
}

void expect_caught(std::uint32_t fault, unsigned most, unsigned nr_pages = kPages,
                   unsigned nr_watched = kPages) {
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    const unsigned rounds = rounds_until_leak(gather.value, fault, most, nr_pages, nr_watched);
    if (rounds == 0) {
      fail(__FILE__, __LINE__,
           std::string(gather.name) + ": not seen in " + std::to_string(most) + " rounds");
    } else {
      std::printf("# %s: seen in round %u\n", gather.name, rounds);
    }
  }
}

}  // namespace

TEST(oracle_tags_new_frames) {
  const Arena arena;
  const std::uint64_t at = arena.map(0, 4 * kPage, 0);
  REQUIRE_EQ(arena.populate({{at, kPage}}), 0);
  REQUIRE_EQ(populate_tagged(arena, {{at, 4 * kPage}}), 0);
  // The first was there already.
  EXPECT_EQ(tag_at(at).state, 0u);
  EXPECT_EQ(tag_at(at).frame, 0u);
  for (std::uint64_t page = at + kPage; page < at + 4 * kPage; page += kPage) {
    EXPECT_EQ(tag_at(page).state, std::uint64_t{TLBLAB_LIVE});
    EXPECT_TRUE(tag_at(page).frame != 0);
    EXPECT_TRUE(tag_at(page).generation != 0);
    EXPECT_EQ(tag_at(page).cleared_ns, 0u);
    EXPECT_EQ(tag_at(page).released_ns, 0u);
    EXPECT_EQ(tag_at(page).guard, 0u);
    for (std::uint64_t at_byte = sizeof(tlblab_tag); at_byte < kPage; at_byte += 8) {
      EXPECT_EQ(*reinterpret_cast<const std::uint64_t*>(page + at_byte), 0u);
    }
  }
  EXPECT_TRUE(tag_at(at + kPage).frame != tag_at(at + 2 * kPage).frame);
  EXPECT_TRUE(tag_at(at + kPage).generation != tag_at(at + 2 * kPage).generation);

  // Another mapping of the same frame leaves its tag, and so does the end of one of the two.
  const std::uint64_t generation = tag_at(at + kPage).generation;
  const std::uint64_t again = arena.map(0, kPage, kPage);
  REQUIRE_EQ(populate_tagged(arena, {{again, kPage}}), 0);
  EXPECT_EQ(tag_at(again).generation, generation);
  tlblab_request request = watched_request(TLBLAB_MERGED, 0);
  REQUIRE_EQ(arena.perform(request, {{again, kPage}}), 0);
  EXPECT_EQ(request.account.released, 0u);
  EXPECT_EQ(tag_at(at + kPage).state, std::uint64_t{TLBLAB_LIVE});
  EXPECT_EQ(tag_at(at + kPage).guard, 0u);

  // A new use of a frame, or a new frame: another generation.
  request = watched_request(TLBLAB_MERGED, 0);
  REQUIRE_EQ(arena.perform(request, {{at, 4 * kPage}}), 0);
  EXPECT_EQ(request.account.released, 4u);
  REQUIRE_EQ(populate_tagged(arena, {{at, 4 * kPage}}), 0);
  EXPECT_EQ(tag_at(at).state, std::uint64_t{TLBLAB_LIVE});
  EXPECT_TRUE(tag_at(at + kPage).generation > generation);
  EXPECT_EQ(tag_at(at + kPage).guard, 0u);
  munmap(reinterpret_cast<void*>(again), kPage);
  munmap(reinterpret_cast<void*>(at), 4 * kPage);
}

TEST(oracle_off_writes_nothing) {
  // Without its flags, a stale translation shows a frame as it was: of either call.
  WatchedVma vma;
  std::uint64_t nr_served_after = 0;
  for (unsigned i = 0; i < kSureRounds; ++i) {
    tlblab_request request = watched_request(TLBLAB_MERGED, TLBLAB_NO_FLUSH);
    const bool tag = i % 2 == 0;
    if (tag) request.flags = 0;
    const WitnessCounts seen = round_of(vma, request, tag ? TLBLAB_TAG : 0);
    EXPECT_EQ(seen.released, 0u);
    nr_served_after += seen.served_after;
  }
  EXPECT_GE(nr_served_after, 1u);
}

TEST(oracle_tag_of_a_released_frame) {
  WatchedVma vma;
  for (unsigned i = 0; i < kSureRounds; ++i) {
    REQUIRE_EQ(populate_tagged(vma.arena, vma.ranges), 0);
    vma.witness.begin_round();
    std::vector<tlblab_tag> live;
    for (unsigned page = 0; page < kPages; ++page) {
      live.push_back(const_cast<const tlblab_tag&>(tag_at(vma.watched[0].start + page * kPage)));
    }
    tlblab_request request = watched_request(TLBLAB_MERGED, TLBLAB_NO_FLUSH);
    const std::uint64_t before_ns = now_ns();
    REQUIRE_EQ(vma.arena.perform(request, vma.ranges), 0);
    const std::uint64_t after_ns = now_ns();
    const WitnessCounts seen = vma.witness.end_round();
    if (seen.released == 0) continue;
    const tlblab_tag& tag = seen.last_released;
    EXPECT_EQ(tag.state, std::uint64_t{TLBLAB_RELEASED});
    // Times are kept to a few ns.
    EXPECT_GE(tag.cleared_ns + 4, before_ns);
    EXPECT_LE(tag.cleared_ns, tag.released_ns);
    EXPECT_LE(tag.released_ns, after_ns);
    EXPECT_TRUE(tag.guard != 0);
    bool known = false;
    for (const tlblab_tag& was : live) {
      known |= was.frame == tag.frame && was.generation == tag.generation;
    }
    EXPECT_TRUE(known);
    return;
  }
  EXPECT_TRUE(!"a released tag was seen");
}

TEST(oracle_sound_unmap_leaves_nothing_to_reach) {
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    WatchedVma vma;
    for (unsigned i = 0; i < kSoundRounds / 10; ++i) {
      tlblab_request request = watched_request(gather.value, 0);
      const WitnessCounts seen = round_of(vma, request, TLBLAB_TAG);
      EXPECT_GE(seen.served, kPages);
      EXPECT_EQ(seen.served_after, 0u);
      EXPECT_EQ(seen.released, 0u);
    }
  }
}

TEST(fault_no_flush_is_seen) { expect_caught(TLBLAB_NO_FLUSH, kSureRounds); }

TEST(fault_early_full_flush_is_seen) {
  // The witness must come back to a page between the flush, the first thing, and its clearing.
  expect_caught(TLBLAB_EARLY_FULL_FLUSH, kChanceRounds, 2048);
}

TEST(fault_release_first_is_seen) {
  // A frame can be seen from its release to the flush a moment later. A witness of all pages is
  // mostly elsewhere then; a witness of the first two is there whenever it runs.
  expect_caught(TLBLAB_RELEASE_FIRST, kChanceRounds, kPages, 2);
}

TEST(oracle_sound_scheme_in_many_rounds_shows_nothing) {
  EXPECT_EQ(rounds_until_leak(TLBLAB_MERGED, 0, kSoundRounds), 0u);
  EXPECT_EQ(rounds_until_leak(TLBLAB_PER_PAGE, 0, kSoundRounds / 10), 0u);
}

namespace {

/// One initiator unmaps a few pages and then walks many empty tables, a long way to the flush at
/// the end. Meanwhile another unmaps the same pages and finds them empty. Rounds until one of the
/// pages is reached after the second call has returned, or 0.
unsigned rounds_until_trust_betrayed(std::uint32_t fault, unsigned most) {
  // As many entries wherever: they are what takes the time.
  constexpr unsigned kEntries = 2u << 20;
  const std::uint64_t nr_tables = kEntries / kEntriesPerTable;
  const Mapped mapped(kEntries);
  const std::uint64_t at = mapped.ranges[0].start;
  const std::vector<tlblab_range> few = {{at, 8 * kPage}};
  // Tables stay once they are made.
  std::vector<tlblab_range> one_of_each_table;
  for (unsigned i = 0; i < nr_tables; ++i) {
    one_of_each_table.push_back({at + i * kTableBytes, kPage});
  }
  EXPECT_EQ(mapped.arena.populate(one_of_each_table), 0);
  tlblab_request emptying = unmap_request(TLBLAB_FULL_MM);
  EXPECT_EQ(mapped.arena.perform(emptying, mapped.ranges), 0);
  tlblab_request on_its_way = unmap_request(TLBLAB_MERGED);
  const std::uint64_t start_ns = now_ns();
  EXPECT_EQ(mapped.arena.perform(on_its_way, mapped.ranges), 0);
  const std::uint64_t way_ns = now_ns() - start_ns;

  Witness witness(kWitnessCpu, few);
  for (unsigned i = 1; i <= most; ++i) {
    EXPECT_EQ(populate_tagged(mapped.arena, few), 0);
    witness.begin_round();
    std::atomic<std::uint64_t> begun_ns{0};
    std::thread first([&] {
      pin_to_cpu(2);
      tlblab_request request = watched_request(TLBLAB_MERGED, 0);
      begun_ns = now_ns();
      EXPECT_EQ(mapped.arena.perform(request, mapped.ranges), 0);
    });
    // Not always at the same place of its way, but in the first half.
    while (begun_ns == 0 || now_ns() < begun_ns + (1 + i % 4) * way_ns / 8) sched_yield();
    tlblab_request request = watched_request(TLBLAB_MERGED, fault);
    EXPECT_EQ(mapped.arena.perform(request, few), 0);
    witness.returned();
    first.join();
    if (witness.end_round().served_after != 0) return i;
  }
  return 0;
}

}  // namespace

TEST(fault_trust_none_is_seen_between_two_initiators) {
  const unsigned rounds = rounds_until_trust_betrayed(TLBLAB_TRUST_NONE, kChanceRounds / 10);
  EXPECT_GE(rounds, 1u);
  std::printf("# seen in round %u\n", rounds);
  EXPECT_EQ(rounds_until_trust_betrayed(0, kSoundRounds / 6), 0u);
}

namespace {

/// A witness writes while pages are unmapped in some rounds. How many stale writes were found when
/// the frames left the quarantine.
std::uint64_t stale_writes_under(std::uint32_t fault) {
  const std::uint64_t before = totals().stale_writes;
  {
    WatchedVma vma(kPages, Witness::Access::kWrite);
    for (unsigned i = 0; i < kSureRounds; ++i) {
      tlblab_request request = watched_request(TLBLAB_MERGED, fault);
      round_of(vma, request, TLBLAB_TAG);
    }
  }
  return totals().stale_writes - before;
}

}  // namespace

TEST(fault_no_flush_lets_stale_writes_through) {
  EXPECT_GE(stale_writes_under(TLBLAB_NO_FLUSH), 1u);
  EXPECT_EQ(stale_writes_under(0), 0u);
}

TEST(fault_leaves_no_stale_translation_to_the_next_round) {
  // What is populated, or mapped at the same address, is what every CPU reaches.
  const std::uint64_t before_in_use = totals().frames_in_use;
  const std::uint64_t base = reserve(kPages * kPage);
  const std::vector<tlblab_range> ranges = {{base, kPages * kPage}};
  {
    const Arena arena;
    arena.map(base, kPages * kPage, 0);
    Witness witness(kWitnessCpu, ranges);
    for (unsigned i = 0; i < kSureRounds; ++i) {
      EXPECT_EQ(populate_tagged(arena, ranges), 0);
      witness.begin_round();
      tlblab_request request = watched_request(TLBLAB_MERGED, i % 2 == 0 ? TLBLAB_NO_FLUSH : 0);
      EXPECT_EQ(arena.perform(request, ranges), 0);
      const WitnessCounts seen = witness.end_round();
      if (i % 2 != 0) EXPECT_EQ(seen.released, 0u);
    }
    tlblab_request request = watched_request(TLBLAB_MERGED, TLBLAB_NO_FLUSH);
    EXPECT_EQ(populate_tagged(arena, ranges), 0);
    witness.begin_round();
    EXPECT_EQ(arena.perform(request, ranges), 0);
    // Ordinary memory in the place of a VMA whose translations are still about.
    void* other = mmap(reinterpret_cast<void*>(base), kPages * kPage, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0);
    EXPECT_EQ(reinterpret_cast<std::uint64_t>(other), base);
    witness.begin_round();
    const WitnessCounts seen = witness.end_round();
    EXPECT_GE(seen.served, kPages);
    EXPECT_EQ(seen.released, 0u);
  }
  munmap(reinterpret_cast<void*>(base), kPages * kPage);
  EXPECT_EQ(totals().frames_in_use, before_in_use);
}

TEST(fault_needs_the_right_to_plant_it) {
  EXPECT_EQ(in_child([] {
              const Arena arena;
              const Shape shape(arena, 1, 4);
              if (setuid(65534) != 0) return 1;
              for (const catalogue::Fault& fault : catalogue::kFaults) {
                if (!catalogue::has(catalogue::faults_anywhere(), fault.value)) continue;
                auto request = watched_request(TLBLAB_MERGED, fault.value);
                if (arena.perform(request, shape.ranges()) != EPERM) return 2;
              }
              auto request = watched_request(TLBLAB_MERGED, std::size(catalogue::kFaults) + 1);
              if (arena.perform(request, shape.ranges()) != EINVAL) return 3;
              // The oracle itself needs no privilege.
              request = watched_request(TLBLAB_MERGED, 0);
              if (arena.perform(request, shape.ranges()) != 0) return 4;
              return request.account.cleared == 4 ? 0 : 5;
            }),
            0);
}

}  // namespace tlblab::vm
