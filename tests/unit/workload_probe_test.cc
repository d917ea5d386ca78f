// SPDX-License-Identifier: GPL-2.0-only
// The walk over a working set: which pages it touches, and that responders do it when asked.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>

#include <array>
#include <functional>
#include <set>

#include "user/engine/registry.hh"
#include "user/support/page_size.hh"
#include "user/topology/placement.hh"
#include "user/workload/probe.hh"
#include "user/workload/responders.hh"

namespace tlblab {
namespace {

TEST(RandomCycle, GoesThroughAllAndComesBack) {
  for (const std::size_t nr_items : {1U, 2U, 3U, 64U, 2048U}) {
    const auto next = random_cycle(nr_items, 7);
    std::set<std::uint32_t> seen;
    std::uint32_t at = 0;
    do {
      seen.insert(at);
      at = next[at];
    } while (at != 0 && seen.size() <= nr_items);
    EXPECT_EQ(seen.size(), nr_items);
  }
  EXPECT_EQ(random_cycle(64, 7), random_cycle(64, 7));
  EXPECT_NE(random_cycle(64, 7), random_cycle(64, 8));
}

/// Pages of a range, by number, in the order in which something first accessed them.
class Accesses {
 public:
  explicit Accesses(const AddressRange& range) {
    range_ = range;
    nr_seen_ = 0;
    struct sigaction action {};
    action.sa_sigaction = [](int, siginfo_t* info, void*) { note(info); };
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, &before_);
    mprotect(reinterpret_cast<void*>(range.begin), range.end - range.begin, PROT_NONE);
  }
  ~Accesses() { sigaction(SIGSEGV, &before_, nullptr); }
  Accesses(const Accesses&) = delete;
  Accesses& operator=(const Accesses&) = delete;

  [[nodiscard]] static std::vector<std::size_t> seen() {
    return {seen_.begin(), seen_.begin() + static_cast<std::ptrdiff_t>(nr_seen_)};
  }

 private:
  static void note(const siginfo_t* info) {
    const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
    if (at < range_.begin || at >= range_.end) _exit(1);  // a fault that is not ours
    const std::size_t page = (at - range_.begin) / page_bytes();
    seen_.at(nr_seen_++) = page;
    mprotect(reinterpret_cast<void*>(range_.begin + page * page_bytes()), page_bytes(),
             PROT_READ | PROT_WRITE);
  }

  static inline AddressRange range_;
  static inline std::array<std::size_t, 256> seen_;  // a signal handler must not allocate
  static inline std::size_t nr_seen_ = 0;
  struct sigaction before_ {};
};

std::vector<std::size_t> accesses_of(const ProbeWalk& walk, const std::function<void()>& what) {
  const Accesses accesses(walk.range());
  what();
  return Accesses::seen();
}

TEST(ProbeWalk, TouchesEachPageOnceInRandomOrder) {
  ProbeWalk walk(128);
  walk.arrange(64, 3);
  const auto seen = accesses_of(walk, [&] { EXPECT_GT(walk.time_ns(), 0U); });
  EXPECT_EQ(seen.size(), 64U);
  EXPECT_EQ(std::set<std::size_t>(seen.begin(), seen.end()).size(), 64U);
  EXPECT_LT(*std::max_element(seen.begin(), seen.end()), 64U) << "not beyond its size";
  EXPECT_FALSE(std::is_sorted(seen.begin(), seen.end())) << "a prefetcher could follow";
}

/// What the test above would see of walks that are none.
TEST(ProbeWalk, AFakeOneIsSeen) {
  ProbeWalk walk(128);
  walk.arrange(64, 3);
  EXPECT_TRUE(accesses_of(walk, [] {}).empty());
  ProbeWalk short_walk(128);
  short_walk.arrange(8, 3);
  EXPECT_EQ(accesses_of(short_walk, [&] { static_cast<void>(short_walk.time_ns()); }).size(), 8U);
}

TEST(ProbeWalk, CanBeArrangedAnew) {
  ProbeWalk walk(64);
  walk.arrange(64, 1);
  walk.arrange(16, 2);
  const auto seen = accesses_of(walk, [&] { walk.warm_up(); });
  EXPECT_EQ(seen.size(), 16U);
}

TEST(RespondersWalks, AreTimedByEach) {
  const std::vector<int> cpus = allowed_cpus();
  if (cpus.size() < 2) GTEST_SKIP() << "one CPU: no responder";
  cpu_set_t before;
  sched_getaffinity(0, sizeof before, &before);
  pin_to_cpu(cpus[0]);
  const SchemeRef ref = find_scheme("munmap:merged");
  const std::array<const Scheme*, 1> schemes = {ref.scheme.get()};
  const auto workspace = ref.engine->open({4, 2, 1}, schemes);
  ResponderCrew crew({cpus[1]});
  crew.open_probe(256);
  crew.arrange_probe(256, 1);
  for (int trial = 1; trial <= 3; ++trial) {
    workspace->prepare(7);
    crew.load(workspace->ranges(), 7);
    crew.open_window();
    crew.wait_for_beats();
    crew.close_window();
    crew.start_walks();
    const std::vector<std::uint64_t> walks = crew.finish_walks();
    ASSERT_EQ(walks.size(), 1U);
    EXPECT_GT(walks[0], 0U);
    EXPECT_NE(crew.settle({}).state, TrialState::kNotLoaded);
  }
  sched_setaffinity(0, sizeof before, &before);
}

}  // namespace
}  // namespace tlblab
