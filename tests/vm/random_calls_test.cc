// SPDX-License-Identifier: GPL-2.0-only
// Calls by lot: several processes, with several threads each, do whatever the module and the kernel
// offer to memory that they share, while a bystander and the guard pages between watch that nothing
// else changes. The kernel's log is the runner's to check.
//   RANDOM_SECONDS   how long; 10 when unset
//   RANDOM_SEED      what the lots come from; chosen and printed when unset
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
/// In which whoever was told to end has ended: there are no waits as long as this.
constexpr auto kPatience = std::chrono::seconds(120);

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 0) : otherwise;
}

/// SIGBUS and SIGSEGV alike: memory of a zone may be gone at any time.
void on_fault(int number, siginfo_t* info, void*) {
  if (way_back != nullptr) siglongjmp(*way_back, 1);
  // Of a page elsewhere that is broken (MADV_HWPOISON), told for information.
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

/// An open device, sooner or later: allocations may be failing.
int open_arena() {
  for (;;) {
    const int fd = open(TLBLAB_DEVICE, O_RDWR | O_CLOEXEC);
    if (fd >= 0 || errno != ENOMEM) return fd;
  }
}

/// A process of players. Ends with 0 when it is told to, unless it is killed before.
int work(World& world, std::uint64_t seed) {
  handle_all_faults();
  use_all_cpus();
  Board& board = *world.board;
  if (!world.stage.build(world.process)) return 1;
  world.arenas[2] = open_arena();
  world.mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  if (world.arenas[2] < 0 || world.mem < 0) return 2;
  board.workers[world.process] = getpid();
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back([&world, &board, seed, i] {
      Player player(world, seed + i);
      while (!board.end) player.step();
    });
  }
  while (!board.end) {
    for (unsigned i = 0; i < Stage::kGuards; ++i) {
      if (!world.stage.guard_is_good(i)) complain(board, "guard %u has changed", i);
    }
    usleep(1000);
  }
  for (std::thread& thread : threads) thread.join();
  if (!world.stage.guards_are_good()) complain(board, "a guard has changed in the end");
  return 0;
}

pid_t start(const std::function<int()>& f) {
  const pid_t child = fork();
  if (child == 0) _exit(f());
  return child;
}

/// Starts everybody, kills workers in mid call and starts others in their place, and ends it all.
/// In a process of its own, which inherits whoever lost his parent.
int supervise(Board& board, std::uint64_t seed, Clock::duration duration) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::mt19937_64 random(seed);
  World world;
  world.board = &board;
  world.can = capabilities();
  world.foreign_entries = kernel_registers_lab_memory();
  for (unsigned i = 0; i < 2; ++i) world.arenas[i] = open(TLBLAB_DEVICE, O_RDWR | O_CLOEXEC);
  if (world.arenas[0] < 0 || world.arenas[1] < 0) return 1;
  const auto start_worker = [&](unsigned i) {
    world.process = i;
    const std::uint64_t own_seed = random();
    return start([&] { return work(world, own_seed); });
  };
  const pid_t bystander = start([&] { return watch(board, 2048 * kPage); });
  const pid_t hog = start([&] { return press(board, seed); });
  pid_t workers[Board::kWorkers];
  for (unsigned i = 0; i < Board::kWorkers; ++i) workers[i] = start_worker(i);

  const Clock::time_point end = Clock::now() + duration;
  while (Clock::now() < end && board.complaints == 0) {
    usleep(static_cast<useconds_t>(200'000 + random() % 1'000'000));
    const unsigned i = static_cast<unsigned>(random() % Board::kWorkers);
    board.workers[i] = 0;
    kill(workers[i], SIGKILL);
    int status = 0;
    waitpid(workers[i], &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
      complain(board, "a worker ended by itself, with status %#x", static_cast<unsigned>(status));
    }
    ++board.killed;
    workers[i] = start_worker(i);
  }
  board.end = true;

  const Clock::time_point latest = Clock::now() + kPatience;
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended < 0 && errno == ECHILD) break;
    if (ended > 0) {
      bool expected = status == 0;
      // Those whose worker was killed are killed, too.
      if (ended != bystander && ended != hog) {
        bool is_worker = false;
        for (const pid_t worker : workers) is_worker = is_worker || worker == ended;
        expected = expected || (!is_worker && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
      }
      if (!expected) {
        complain(board, "process %d ended with status %#x", ended, static_cast<unsigned>(status));
      }
      continue;
    }
    if (Clock::now() > latest) {
      complain(board, "somebody doesn't end");
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
  void* const shared =
      mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE_EQ(shared != MAP_FAILED, true);
  Board& board = *new (shared) Board;
  {
    const PagesMerged merged;
    EXPECT_EQ(in_child([&] { return supervise(board, seed, std::chrono::seconds(seconds)); }), 0);
  }
  EXPECT_EQ(board.complaints.load(), 0u);
  std::printf(
      "# %llu steps, %llu VMAs, populated %llu times, performed %llu times: %llu entries "
      "cleared; %llu calls refused, %llu workers killed\n",
      static_cast<unsigned long long>(board.others), static_cast<unsigned long long>(board.mapped),
      static_cast<unsigned long long>(board.populated),
      static_cast<unsigned long long>(board.performed),
      static_cast<unsigned long long>(board.cleared),
      static_cast<unsigned long long>(board.refused),
      static_cast<unsigned long long>(board.killed));
  // Else the lots are bad.
  EXPECT_GE(board.performed.load(), 1u);
  EXPECT_GE(board.cleared.load(), 1u);
  munmap(shared, sizeof(Board));
  const tlblab_totals after = totals();
  EXPECT_EQ(after.frames_in_use, before.frames_in_use);
  EXPECT_TRUE(books_balance(after));
}

}  // namespace tlblab::vm
