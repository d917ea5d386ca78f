// SPDX-License-Identifier: GPL-2.0-only
// Counting for real, as far as this machine and user allow. What can't be counted is skipped here:
// the other tests of this folder cover why.
#include <gtest/gtest.h>
#include <linux/membarrier.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "user/counters/counters.hh"
#include "user/counters/events.hh"
#include "user/counters/tracepoints.hh"
#include "user/support/page_size.hh"
#include "user/topology/kernel_files.hh"
#include "user/topology/placement.hh"

namespace tlblab::counters {
namespace {

constexpr std::size_t kPages = 16;
const std::size_t kPageBytes = page_bytes();

pid_t this_thread() { return static_cast<pid_t>(::syscall(SYS_gettid)); }

/// Fresh pages of the smallest size; their first touch is a fault each.
class Pages {
 public:
  Pages()
      : begin_(
            static_cast<volatile char*>(::mmap(nullptr, kPages * kPageBytes, PROT_READ | PROT_WRITE,
                                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    ::madvise(const_cast<char*>(begin_), kPages * kPageBytes, MADV_NOHUGEPAGE);
  }
  void touch() const {
    for (std::size_t page = 0; page < kPages; ++page) begin_[page * kPageBytes] = 1;
  }
  void unmap() const { ::munmap(const_cast<char*>(begin_), kPages * kPageBytes); }

 private:
  volatile char* begin_;
};

std::map<std::string, EventStatus> probed() {
  std::map<std::string, EventStatus> events;
  for (const EventStatus& event : probe_events({allowed_cpus().front()}))
    events[event.name] = event;
  return events;
}

/// Runs `operation` on a pinned thread with counters around it, no responders. Own thread: pinning
/// must not leak into other tests.
template <typename Operation>
Counts count(Operation&& operation) {
  Counts result;
  std::thread([&] {
    const int cpu = allowed_cpus().front();
    pin_to_cpu(cpu);
    CounterSet counters({.tid = this_thread(), .cpu = cpu}, {});
    counters.begin();
    operation();
    counters.end();
    result = counters.counts().at(0);
  }).join();
  return result;
}

TEST(LiveCounters, ProbingLeavesNoMountBehind) {
  const std::string before = read_kernel_file("/proc/self/mountinfo").text;
  EXPECT_FALSE(probe_events({allowed_cpus().front()}).empty());
  EXPECT_EQ(read_kernel_file("/proc/self/mountinfo").text, before);
}

TEST(LiveCounters, OnlyProbedEventsAreCounted) {
  const auto events = probed();
  for (const auto& [name, value] : count([] {})) {
    ASSERT_EQ(events.count(name), 1u) << name;
    EXPECT_EQ(events.at(name).unavailable, "") << name;
    EXPECT_NE(events.at(name).scope, Scope::kResponders) << name;
  }
}

// Also guards against groups of mixed kinds, whose members some kernels never start.
TEST(LiveCounters, PageFaultsOfFreshPages) {
  if (const auto status = probed()["page-faults"]; !status.unavailable.empty()) {
    GTEST_SKIP() << status.unavailable;
  }
  const Pages pages;
  const Counts counts = count([&] { pages.touch(); });
  ASSERT_EQ(counts.count("page-faults"), 1u);
  EXPECT_GE(counts.at("page-faults"), kPages);
  pages.unmap();
}

// The initiator's counters are its thread's: who else runs on its CPU meanwhile is not counted.
TEST(LiveCounters, ANeighbourOnTheInitiatorsCpuIsNotCounted) {
  if (const auto status = probed()["page-faults"]; !status.unavailable.empty()) {
    GTEST_SKIP() << status.unavailable;
  }
  constexpr std::size_t nr_areas = 64;
  std::vector<Pages> areas(nr_areas);
  std::atomic<bool> go{false};
  std::atomic<bool> done{false};
  std::thread neighbour([&] {
    pin_to_cpu(allowed_cpus().front());
    while (!go.load()) std::this_thread::yield();
    for (const Pages& pages : areas) pages.touch();
    done = true;
  });
  const Counts counts = count([&] {
    go = true;
    while (!done.load()) std::this_thread::yield();
  });
  neighbour.join();
  for (const Pages& pages : areas) pages.unmap();
  ASSERT_EQ(counts.count("page-faults"), 1u);
  EXPECT_LT(counts.at("page-faults"), nr_areas * kPages);
}

TEST(LiveCounters, ContextSwitchesOfASleeper) {
  if (const auto status = probed()["context-switches"]; !status.unavailable.empty()) {
    GTEST_SKIP() << status.unavailable;
  }
  const Counts counts = count([] { ::usleep(2000); });
  ASSERT_EQ(counts.count("context-switches"), 1u);
  EXPECT_GE(counts.at("context-switches"), 1u);
}

TEST(LiveCounters, OneUnmapIsOneFlushRequest) {
  if (const auto status = probed()["tlb_flush.local_mm"]; !status.unavailable.empty()) {
    GTEST_SKIP() << status.unavailable;
  }
  const Pages pages;
  pages.touch();
  const Counts counts = count([&] {
    pages.touch();  // this thread's CPU now holds the translations
    pages.unmap();
  });
  ASSERT_EQ(counts.count("tlb_flush.local_mm"), 1u);
  EXPECT_GE(counts.at("tlb_flush.local_mm"), 1u);
}

/// Runs `trial` on an initiator with counters that also watch a spinning responder.
template <typename Trial>
void with_responder(const std::vector<int>& cpus, Trial&& trial) {
  std::atomic<pid_t> tid{0};
  std::atomic<bool> stop{false};
  std::thread responder([&] {
    pin_to_cpu(cpus[1]);
    tid = this_thread();
    while (!stop.load(std::memory_order_relaxed)) {
    }
  });
  while (tid.load() == 0) std::this_thread::yield();
  std::thread([&] {
    pin_to_cpu(cpus[0]);
    CounterSet counters({.tid = this_thread(), .cpu = cpus[0]},
                        {{.tid = tid.load(), .cpu = cpus[1]}});
    trial(counters);
  }).join();
  stop = true;
  responder.join();
}

TEST(LiveCounters, ResponderHasItsOwnCounts) {
  const std::vector<int> cpus = placement_order();
  if (cpus.size() < 2) GTEST_SKIP() << "needs two CPUs";
  std::vector<Counts> counts;
  with_responder(cpus, [&counts](CounterSet& counters) {
    counters.begin();
    counters.end();
    counts = counters.counts();
  });
  ASSERT_EQ(counts.size(), 2u);
  for (const auto& [name, status] : probed()) {
    if (status.scope == Scope::kInitiator) {
      EXPECT_EQ(counts[1].count(name), 0u) << name;
    }
  }
}

// Reading a responder's counters interrupts it. An empty trial must not show that; others on the
// machine may add to a trial, but not to every one.
TEST(LiveCounters, OwnReadingsAreNotCounted) {
  const std::vector<int> cpus = placement_order();
  if (cpus.size() < 2) GTEST_SKIP() << "needs two CPUs";
  const auto events = probed();
  std::set<std::string> unproven;
  for (const char* name :
       {"CAL", "call_function_single_entry", "ipi_entry.function_call", "csd_entry", "csd_queue"}) {
    const auto event = events.find(name);
    if (event != events.end() && event->second.unavailable.empty()) unproven.insert(name);
  }
  if (unproven.empty()) GTEST_SKIP() << "nothing here counts such interrupts";
  with_responder(cpus, [&unproven](CounterSet& counters) {
    for (int trial = 0; trial < 500 && !unproven.empty(); ++trial) {
      counters.begin();
      counters.end();
      for (const auto& [name, value] : counters.counts().at(1)) {
        if (value == 0) unproven.erase(name);
      }
    }
  });
  for (const std::string& name : unproven) ADD_FAILURE() << name << " was never 0";
}

// What the initiator queues and sends is among the counts of the CPU that it goes to, and what runs
// there is told apart by function: membarrier has one of its own.
TEST(LiveCounters, ACallIsCountedForItsTarget) {
  const std::vector<int> cpus = placement_order();
  if (cpus.size() < 2) GTEST_SKIP() << "needs two CPUs";
  const auto events = probed();
  for (const char* name : {"csd_queue", "csd_queue.flush", "csd_entry", "csd_entry.flush"}) {
    if (const auto& why = events.at(name).unavailable; !why.empty()) GTEST_SKIP() << why;
  }
  ASSERT_EQ(::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0), 0);
  constexpr std::uint64_t nr_calls = 10;
  bool exact = false;  // a responder that is switched out for a moment is not called
  with_responder(cpus, [&exact](CounterSet& counters) {
    for (int trial = 0; trial < 200 && !exact; ++trial) {
      counters.begin();
      for (std::uint64_t i = 0; i < nr_calls; ++i) {
        ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
      }
      counters.end();
      const Counts& ours = counters.counts().at(0);
      Counts theirs = counters.counts().at(1);
      EXPECT_EQ(theirs["csd_queue.flush"], 0u);
      EXPECT_LE(theirs["csd_queue"], ours.at("csd_queue"));
      EXPECT_GE(theirs["csd_entry"], theirs["csd_queue"]);
      exact = theirs["csd_queue"] == nr_calls && theirs["csd_entry"] == nr_calls &&
              theirs["csd_entry.flush"] == 0;
    }
  });
  EXPECT_TRUE(exact);
}

/// A processor's event, as far as the set is concerned; what it counts exists without a PMU.
Event posing_as_hardware(const char* name, unsigned set, std::uint64_t config) {
  Event event;
  event.status = {.name = name,
                  .source = "made up",
                  .meaning = "made up",
                  .scope = Scope::kBoth,
                  .unavailable = ""};
  event.kind = EventKind::kHardware;
  event.perf_type = PERF_TYPE_SOFTWARE;
  event.perf_config = config;
  event.in_kernel = false;
  event.own_reads = OwnReads::kMeasured;
  event.set = set;
  return event;
}

/// Runs `trial` on a pinned thread with a set of these events and no responder.
template <typename Trial>
void with_events(const std::vector<Event>& events, Trial&& trial) {
  std::thread([&] {
    const int cpu = allowed_cpus().front();
    pin_to_cpu(cpu);
    CounterSet counters({.tid = this_thread(), .cpu = cpu}, {}, events);
    trial(counters);
  }).join();
}

template <typename Operation>
Counts one_pair(CounterSet& counters, Operation&& operation) {
  counters.begin();
  operation();
  counters.end();
  return counters.counts().at(0);
}

TEST(LiveCounters, SetsOfHardwareEventsTakeTurns) {
  if (const auto status = probed()["page-faults"]; !status.unavailable.empty()) {
    GTEST_SKIP() << status.unavailable;
  }
  const std::vector<Event> events = {
      posing_as_hardware("first", 0, PERF_COUNT_SW_PAGE_FAULTS),
      posing_as_hardware("beside the first", 0, PERF_COUNT_SW_PAGE_FAULTS_MIN),
      posing_as_hardware("second", 1, PERF_COUNT_SW_PAGE_FAULTS)};
  with_events(events, [](CounterSet& counters) {
    counters.learn_own_reads();
    ASSERT_EQ(counters.nr_turns(), 2u);
    for (std::size_t turn = 0; turn < 4; ++turn) {
      counters.take_turn(turn);
      const Pages pages;
      const Counts counts = one_pair(counters, [&] { pages.touch(); });
      pages.unmap();
      const bool first = turn % 2 == 0;
      EXPECT_EQ(counts.size(), first ? 2u : 1u);
      for (const auto& [name, value] : counts) {
        EXPECT_EQ(name == "second", !first) << name;
        EXPECT_GE(value, kPages) << name;
      }
    }
    for (const EventStatus& status : counters.status()) EXPECT_EQ(status.unavailable, "");
  });
}

TEST(LiveCounters, WhatReadingsAddIsUnknownUntilLearnt) {
  if (const auto status = probed()["page-faults"]; !status.unavailable.empty()) {
    GTEST_SKIP() << status.unavailable;
  }
  const std::vector<Event> events = {posing_as_hardware("any", 0, PERF_COUNT_SW_PAGE_FAULTS)};
  with_events(events, [](CounterSet& counters) {
    EXPECT_EQ(one_pair(counters, [] {}).count("any"), 0u);
    counters.learn_own_reads();
    EXPECT_EQ(one_pair(counters, [] {}).count("any"), 1u);
  });
}

// A reading is a system call, so here it is known what readings add: not 0, and always the same.
TEST(LiveCounters, WhatReadingsAddIsTakenOff) {
  constexpr const char* tracepoint = "raw_syscalls:sys_enter";
  const Tracepoint found = read_tracepoints({tracepoint})[tracepoint];
  if (!found.problem.empty()) GTEST_SKIP() << tracepoint << ": " << found.problem;
  Event event = posing_as_hardware("system calls", 0, found.id);
  event.perf_type = PERF_TYPE_TRACEPOINT;
  event.in_kernel = true;
  const std::vector<Event> events = {event};
  with_events(events, [](CounterSet& counters) {
    counters.learn_own_reads();
    if (const auto why = counters.status()[0].unavailable; !why.empty()) GTEST_SKIP() << why;
    EXPECT_EQ(one_pair(counters, [] {}).at("system calls"), 0u);
    const Counts counts = one_pair(counters, [] {
      for (int i = 0; i < 5; ++i) this_thread();
    });
    EXPECT_EQ(counts.at("system calls"), 5u);
  });
}

// A kernel that does not look names up takes the same condition by address.
TEST(LiveCounters, ARefusedFilterGivesWayToTheSecond) {
  constexpr const char* tracepoint = "raw_syscalls:sys_enter";
  const Tracepoint found = read_tracepoints({tracepoint})[tracepoint];
  if (!found.problem.empty()) GTEST_SKIP() << tracepoint << ": " << found.problem;
  Event event;
  event.status = {.name = "gettid",
                  .source = "made up",
                  .meaning = "made up",
                  .scope = Scope::kInitiator,
                  .unavailable = ""};
  event.perf_type = PERF_TYPE_TRACEPOINT;
  event.perf_config = found.id;
  event.filter = "no_such_field.function==gettid";
  event.second_filter = "id==" + std::to_string(SYS_gettid);
  Event refused = event;
  refused.status.name = "refused";
  refused.second_filter.clear();
  refused.no_second_filter = "made up";
  const std::vector<Event> events = {event, refused};
  with_events(events, [](CounterSet& counters) {
    const std::string why = counters.status()[0].unavailable;
    if (why.find("refused") != std::string::npos) GTEST_SKIP() << why;
    EXPECT_EQ(why, "");
    EXPECT_NE(counters.status()[1].unavailable.find("made up"), std::string::npos);
    const Counts counts = one_pair(counters, [] {
      for (int i = 0; i < 5; ++i) this_thread();
    });
    EXPECT_EQ(counts, (Counts{{"gettid", 5}}));
  });
}

TEST(LiveCounters, AnEventOfOtherCoresIsNotCountedHere) {
  Event event = posing_as_hardware("theirs", 0, PERF_COUNT_SW_PAGE_FAULTS);
  event.cpus = {60000};
  const std::vector<Event> events = {event};
  with_events(events, [](CounterSet& counters) {
    counters.learn_own_reads();
    EXPECT_TRUE(one_pair(counters, [] {}).empty());
  });
}

TEST(LiveCounters, CpuThatIsNotThereIsUnknownNotZero) {
  Counts counts;
  std::thread([&] {
    const int cpu = allowed_cpus().front();
    pin_to_cpu(cpu);
    CounterSet counters({.tid = this_thread(), .cpu = cpu}, {{.tid = -5, .cpu = 60000}});
    counters.begin();
    counters.end();
    counts = counters.counts().at(1);
  }).join();
  // What this thread sends there is known all the same: nothing.
  for (const Event& event : catalogue()) {
    const auto found = counts.find(event.status.name);
    if (found == counts.end()) continue;
    EXPECT_EQ(event.status.scope, Scope::kTargets) << found->first;
    EXPECT_EQ(found->second, 0u) << found->first;
  }
}

}  // namespace
}  // namespace tlblab::counters
