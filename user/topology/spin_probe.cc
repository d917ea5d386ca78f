// SPDX-License-Identifier: GPL-2.0-only
// The spinning threads.
#include "user/topology/spin_probe.hh"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <thread>

#include "user/support/clock.hh"
#include "user/support/interruption.hh"
#include "user/topology/placement.hh"

namespace tlblab {
namespace {

constexpr std::uint64_t kLeastGapNs = 1000;
constexpr std::uint64_t kGapTurns = 8;
constexpr std::uint64_t kWakeUpNs = 5'000'000;  // from the signal to the start: all are awake
constexpr auto kPatience = std::chrono::seconds(2);
constexpr auto kGlance = std::chrono::milliseconds(50);  // rare: this thread needs a CPU for it

std::uint64_t thread_cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

std::uint64_t gap_threshold_ns() {
  std::array<std::uint64_t, 501> turns{};
  std::uint64_t last = now_ns();
  for (std::uint64_t& turn : turns) {
    const std::uint64_t now = now_ns();
    turn = now - last;
    last = now;
  }
  std::nth_element(turns.begin(), turns.begin() + turns.size() / 2, turns.end());
  return std::max(kLeastGapNs, kGapTurns * turns[turns.size() / 2]);
}

struct Spinner {
  SpinResult result;
  std::exception_ptr failure;
  std::atomic<bool> done{false};
  std::thread thread;

  /// A thread that gets its CPU only after `begin_ns` has lost the time until then, too.
  void spin(std::uint64_t begin_ns, const std::atomic<std::uint64_t>& end_ns,
            std::uint64_t threshold_ns) {
    rusage before{};
    rusage after{};
    ::getrusage(RUSAGE_THREAD, &before);
    std::uint64_t last_ns = now_ns();
    result.ran = last_ns < end_ns.load();
    while (last_ns < begin_ns) last_ns = now_ns();
    last_ns = begin_ns;
    while (last_ns < end_ns.load(std::memory_order_relaxed)) {
      const std::uint64_t now = now_ns();
      const std::uint64_t turn_ns = now - last_ns;
      last_ns = now;
      if (turn_ns <= threshold_ns) continue;
      result.lost_ns += turn_ns;
      result.longest_gap_ns = std::max(result.longest_gap_ns, turn_ns);
      ++result.nr_gaps;
    }
    ::getrusage(RUSAGE_THREAD, &after);
    result.seconds = static_cast<double>(last_ns - begin_ns) / 1e9;
    result.switches_wanted = static_cast<std::uint64_t>(after.ru_nvcsw - before.ru_nvcsw);
    result.switches_unwanted = static_cast<std::uint64_t>(after.ru_nivcsw - before.ru_nivcsw);
    result.own_cpu_ns = thread_cpu_ns();
  }
};

/// When the spinners begin and end. `end_ns` is 0 until both are known; an interruption by the user
/// moves it closer.
struct Schedule {
  std::atomic<std::size_t> nr_pinned{0};
  std::uint64_t begin_ns = 0;
  std::atomic<std::uint64_t> end_ns{0};
};

void run_spinner(Spinner& self, Schedule& schedule) {
  std::uint64_t threshold_ns = kLeastGapNs;
  try {
    pin_to_cpu(self.result.cpu);
    threshold_ns = gap_threshold_ns();
  } catch (...) {
    self.failure = std::current_exception();
  }
  schedule.nr_pinned.fetch_add(1);
  // Asleep: a spinner that waited by spinning would disturb those that still start.
  schedule.end_ns.wait(0);
  if (!self.failure) self.spin(schedule.begin_ns, schedule.end_ns, threshold_ns);
  self.done.store(true);
}

/// Sleeps until `condition()` or until patience ends.
template <typename Condition>
void wait_for(Condition&& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

std::vector<SpinResult> spin_on(const std::vector<int>& cpus, double seconds) {
  std::vector<std::unique_ptr<Spinner>> spinners;
  Schedule schedule;
  for (const int cpu : cpus) {
    spinners.push_back(std::make_unique<Spinner>());
    Spinner& spinner = *spinners.back();
    spinner.result.cpu = cpu;
    spinner.thread = std::thread([&spinner, &schedule] { run_spinner(spinner, schedule); });
  }
  // A CPU held by a real-time thread never runs our thread: go on without it, and at the end move
  // the thread to where it can end.
  wait_for([&] { return schedule.nr_pinned.load() == cpus.size(); });
  schedule.begin_ns = now_ns() + kWakeUpNs;
  schedule.end_ns.store(schedule.begin_ns + static_cast<std::uint64_t>(seconds * 1e9));
  schedule.end_ns.notify_all();
  while (now_ns() < schedule.end_ns.load()) {
    if (interrupted()) schedule.end_ns.store(now_ns());
    std::this_thread::sleep_for(kGlance);
  }
  wait_for([&] {
    return std::all_of(spinners.begin(), spinners.end(),
                       [](const auto& spinner) { return spinner->done.load(); });
  });

  cpu_set_t anywhere;
  const bool can_move = ::sched_getaffinity(0, sizeof anywhere, &anywhere) == 0;
  std::vector<SpinResult> results;
  std::exception_ptr failure;
  for (const auto& spinner : spinners) {
    if (!spinner->done.load() && can_move) {
      ::pthread_setaffinity_np(spinner->thread.native_handle(), sizeof anywhere, &anywhere);
    }
    spinner->thread.join();
    if (spinner->failure) failure = spinner->failure;
    results.push_back(spinner->result);
  }
  if (failure) std::rethrow_exception(failure);
  return results;
}

double clock_read_ns() {
  constexpr int batch = 200;
  std::array<double, 51> costs{};
  for (double& cost : costs) {
    const std::uint64_t begin = now_ns();
    for (int i = 0; i < batch; ++i) static_cast<void>(now_ns());
    cost = static_cast<double>(now_ns() - begin) / (batch + 1);
  }
  std::nth_element(costs.begin(), costs.begin() + costs.size() / 2, costs.end());
  return costs[costs.size() / 2];
}

}  // namespace tlblab
