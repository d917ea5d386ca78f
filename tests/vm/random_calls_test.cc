// SPDX-License-Identifier: GPL-2.0-only
// Random calls: several worker processes of several threads each make any call of the module and
// of the kernel on memory that they share. A bystander process and the guard pages in between
// detect changes to anything else. The runner checks the kernel's log.
//   RANDOM_SECONDS   how long; 10 when unset
//   RANDOM_SEED      seed of the random calls; chosen and printed when unset
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/vm/background.hh"
#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"
#include "tests/vm/random_caller.hh"
#include "tests/vm/reach.hh"

namespace tlblab::vm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kThreads = 4;
constexpr std::uint64_t kSeconds = 10;
/// Processes that were asked to end must have ended after this. No call waits as long.
constexpr auto kPatience = std::chrono::seconds(120);

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 0) : otherwise;
}

/// SIGBUS and SIGSEGV alike: memory of a zone may be gone at any time.
void on_fault(int number, siginfo_t* info, void*) {
  if (way_back != nullptr) siglongjmp(*way_back, 1);
  // A page elsewhere is broken (MADV_HWPOISON): the signal is for information only.
  if (number == SIGBUS && info->si_code == BUS_MCEERR_AO) return;
  signal(number, SIG_DFL);
}

void handle_all_faults() {
  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_NODEFER | SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
  sigaction(SIGSEGV, &action, nullptr);
}

/// Opens the device, again and again while allocations fail.
int open_arena() {
  for (;;) {
    const int fd = open(TLBLAB_DEVICE, O_RDWR | O_CLOEXEC);
    if (fd >= 0 || errno != ENOMEM) return fd;
  }
}

/// A worker process. Returns 0 when shared.end is set, unless it is killed before.
int work(WorkerState& state, std::uint64_t seed) {
  handle_all_faults();
  use_all_cpus();
  SharedState& shared = *state.shared;
  if (!state.zones.build(state.process)) return 1;
  state.arenas[2] = open_arena();
  state.mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  if (state.arenas[2] < 0 || state.mem < 0) return 2;
  shared.workers[state.process] = getpid();
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back([&state, &shared, seed, i] {
      RandomCaller caller(state, seed + i);
      while (!shared.end) caller.step();
    });
  }
  while (!shared.end) {
    for (unsigned i = 0; i < Zones::kGuards; ++i) {
      if (!state.zones.guard_is_good(i)) complain(shared, "guard %u has changed", i);
    }
    usleep(1000);
  }
  for (std::thread& thread : threads) thread.join();
  if (!state.zones.guards_are_good()) complain(shared, "a guard has changed in the end");
  return 0;
}

pid_t start(const std::function<int()>& f) {
  const pid_t child = fork();
  if (child == 0) _exit(f());
  return child;
}

/// Starts all processes, kills workers in the middle of a call and replaces them, and ends them
/// all. Runs in a process of its own, which adopts orphans.
int supervise(SharedState& shared, std::uint64_t seed, Clock::duration duration) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::mt19937_64 random(seed);
  WorkerState state;
  state.shared = &shared;
  state.can = capabilities();
  state.foreign_entries = kernel_registers_lab_memory();
  for (unsigned i = 0; i < 2; ++i) state.arenas[i] = open(TLBLAB_DEVICE, O_RDWR | O_CLOEXEC);
  if (state.arenas[0] < 0 || state.arenas[1] < 0) return 1;
  const auto start_worker = [&](unsigned i) {
    state.process = i;
    const std::uint64_t own_seed = random();
    return start([&] { return work(state, own_seed); });
  };
  const pid_t bystander = start([&] { return watch_memory(shared, 2048 * kPage); });
  const pid_t hog = start([&] { return use_up_memory(shared, seed); });
  pid_t workers[SharedState::kWorkers];
  for (unsigned i = 0; i < SharedState::kWorkers; ++i) workers[i] = start_worker(i);

  const Clock::time_point end = Clock::now() + duration;
  while (Clock::now() < end && shared.complaints == 0) {
    usleep(static_cast<useconds_t>(200'000 + random() % 1'000'000));
    const unsigned i = static_cast<unsigned>(random() % SharedState::kWorkers);
    shared.workers[i] = 0;
    kill(workers[i], SIGKILL);
    int status = 0;
    waitpid(workers[i], &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
      complain(shared, "a worker ended by itself, with status %#x", static_cast<unsigned>(status));
    }
    ++shared.killed;
    workers[i] = start_worker(i);
  }
  shared.end = true;

  const Clock::time_point latest = Clock::now() + kPatience;
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended < 0 && errno == ECHILD) break;
    if (ended > 0) {
      bool expected = status == 0;
      // Children of a killed worker are killed with it.
      if (ended != bystander && ended != hog) {
        bool is_worker = false;
        for (const pid_t worker : workers) is_worker = is_worker || worker == ended;
        expected = expected || (!is_worker && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
      }
      if (!expected) {
        complain(shared, "process %d ended with status %#x", ended, static_cast<unsigned>(status));
      }
      continue;
    }
    if (Clock::now() > latest) {
      complain(shared, "a process does not end");
      return 2;
    }
    usleep(10'000);
  }
  return 0;
}

/// KSM merges pages that ask for it, while this lives.
class PagesMerged {
 public:
  PagesMerged() {
    std::ifstream(kSwitch) >> before_;
    set("1");
  }
  ~PagesMerged() { set(before_.c_str()); }
  PagesMerged(const PagesMerged&) = delete;
  PagesMerged& operator=(const PagesMerged&) = delete;

 private:
  static constexpr const char* kSwitch = "/sys/kernel/mm/ksm/run";
  static void set(const char* value) { std::ofstream(kSwitch) << value << std::flush; }
  std::string before_ = "0";
};

}  // namespace

TEST(random_calls) {
  const tlblab_totals before = totals();
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const std::uint64_t seed = from_environment(
      "RANDOM_SEED", static_cast<std::uint64_t>(now.tv_sec ^ now.tv_nsec) & 0xffffffff);
  const std::uint64_t seconds = from_environment("RANDOM_SECONDS", kSeconds);
  std::printf("# RANDOM_SEED=%llu RANDOM_SECONDS=%llu\n", static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(seconds));
  void* const memory =
      mmap(nullptr, sizeof(SharedState), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE_EQ(memory != MAP_FAILED, true);
  SharedState& shared = *new (memory) SharedState;
  {
    const PagesMerged merged;
    EXPECT_EQ(in_child([&] { return supervise(shared, seed, std::chrono::seconds(seconds)); }), 0);
  }
  EXPECT_EQ(shared.complaints.load(), 0u);
  std::printf(
      "# %llu steps, %llu VMAs, populated %llu times, performed %llu times: %llu entries "
      "cleared; %llu calls refused, %llu workers killed\n",
      static_cast<unsigned long long>(shared.others),
      static_cast<unsigned long long>(shared.mapped),
      static_cast<unsigned long long>(shared.populated),
      static_cast<unsigned long long>(shared.performed),
      static_cast<unsigned long long>(shared.cleared),
      static_cast<unsigned long long>(shared.refused),
      static_cast<unsigned long long>(shared.killed));
  // Otherwise the weights are bad.
  EXPECT_GE(shared.performed.load(), 1u);
  EXPECT_GE(shared.cleared.load(), 1u);
  munmap(memory, sizeof(SharedState));
  const tlblab_totals after = totals();
  EXPECT_EQ(after.frames_in_use, before.frames_in_use);
  EXPECT_TRUE(books_balance(after));
}

}  // namespace tlblab::vm
