// SPDX-License-Identifier: GPL-2.0-only
// Both ends of what a measuring process and its bystanders share: pipes, and a page of orders.
#include "user/experiment/bystanders.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <new>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "user/model/cpu_list.hh"
#include "user/support/clock.hh"
#include "user/support/error.hh"
#include "user/topology/placement.hh"
#include "user/workload/patience.hh"
#include "user/workload/probe.hh"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace tlblab {
namespace {

Error failed(const std::string& what) {
  return {ExitStatus::kMachine, fmt::format("cannot keep other CPUs busy: {}", what),
          "Free memory or raise the limit on processes (ulimit -u), then give the command again."};
}

class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0) throw failed(std::strerror(errno));
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] int read_end() const { return ends_[0]; }
  [[nodiscard]] int write_end() const { return ends_[1]; }
  void close_write_end() { close_end(1); }
  int release_write_end() { return std::exchange(ends_[1], -1); }

 private:
  void close_end(std::size_t end) {
    if (ends_.at(end) >= 0) close(ends_.at(end));
    ends_.at(end) = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

/// Without a name, so that it goes with the last process that has it.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t bytes) : fd_(memfd_create("bystanders", MFD_CLOEXEC)) {
    if (fd_ < 0) throw failed(std::strerror(errno));
    if (ftruncate(fd_, static_cast<off_t>(bytes)) == 0) return;
    const int error = errno;
    close(fd_);
    throw failed(std::strerror(error));
  }
  ~SharedMemory() { close(fd_); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

/// Where the child finds it.
constexpr int kSlotsFd = 3;

std::string ended(const std::vector<int>& cpus) {
  return fmt::format("the process that spins on CPUs {} has ended", format_cpu_list(cpus));
}

}  // namespace

enum class Bystanders::Order : std::uint64_t { kOpenProbe, kArrangeProbe, kWarmUp, kWalk };

/// One slot a bystander, in memory of both processes. Each cache line is written by one side only,
/// and the bystander's stays in its cache until the initiator writes an order to it.
class Bystanders::Slots {
 public:
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "its address differs by process");

  struct Slot {
    // Written by the initiator. The plain fields are published by `sequence`.
    alignas(64) std::atomic<std::uint64_t> sequence{0};
    Order order{};
    std::size_t nr_pages = 0;
    std::uint64_t seed = 0;

    // Written by the bystander. `walk_ns` is published by `done`.
    alignas(64) std::atomic<std::uint64_t> done{0};
    std::uint64_t walk_ns = 0;

    /// The bystander's side. Never returns.
    [[noreturn]] void serve();
  };

  /// Maps those of `fd`, which is as long as needed. Throws Error(kMachine).
  Slots(int fd, std::size_t count) : bytes_(count * sizeof(Slot)) {
    begin_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (begin_ == MAP_FAILED) throw failed(std::strerror(errno));
    slots_ = {static_cast<Slot*>(begin_), count};
  }
  ~Slots() { munmap(begin_, bytes_); }
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  /// By the one who made the memory, before the other maps it.
  void construct() {
    for (Slot& slot : slots_) new (&slot) Slot();
  }
  [[nodiscard]] std::span<Slot> all() const { return slots_; }

 private:
  std::size_t bytes_;
  void* begin_ = nullptr;
  std::span<Slot> slots_;
};

/// Spins as a responder does, in an address space that nobody unmaps from.
void Bystanders::Slots::Slot::serve() {
  std::unique_ptr<ProbeWalk> walk;
  std::uint64_t seen = 0;
  while (true) {
    now_ns();
    const std::uint64_t wanted = sequence.load(std::memory_order_acquire);
    if (wanted == seen) continue;
    seen = wanted;
    switch (order) {
      case Order::kOpenProbe:
        walk = std::make_unique<ProbeWalk>(nr_pages);
        break;
      case Order::kArrangeProbe:
        walk->arrange(nr_pages, seed);
        break;
      case Order::kWarmUp:
        walk->warm_up();
        break;
      case Order::kWalk:
        walk_ns = walk->time_ns();
        break;
    }
    done.store(seen, std::memory_order_release);
  }
}

Bystanders::Bystanders(const std::vector<int>& cpus) : cpus_(cpus) {
  if (cpus.empty()) return;
  const SharedMemory memory(cpus.size() * sizeof(Slots::Slot));
  slots_ = std::make_unique<Slots>(memory.fd(), cpus.size());
  slots_->construct();
  Pipe to_child;
  Pipe from_child;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to_child.read_end(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, from_child.write_end(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, memory.fd(), kSlotsFd);
  std::string program = "tlblab";
  std::string command = kBystandersCommand;
  std::array<char*, 3> argv{program.data(), command.data(), nullptr};
  const int error = posix_spawn(&child_, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    child_ = -1;
    throw failed(std::strerror(error));
  }
  keep_alive_ = to_child.release_write_end();
  from_child.close_write_end();
  const std::string line = format_cpu_list(cpus) + "\n";
  const bool told =
      write(keep_alive_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  char answer = 0;
  ssize_t got = -1;
  while (told && (got = read(from_child.read_end(), &answer, 1)) < 0 && errno == EINTR) {
  }
  if (got != 1) {
    stop();
    throw failed(ended(cpus));
  }
}

Bystanders::~Bystanders() { stop(); }

void Bystanders::stop() noexcept {
  if (child_ < 0) return;
  close(keep_alive_);
  kill(child_, SIGKILL);
  while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
}

/// A zombie until stop(), so that its number is not given to another.
void Bystanders::throw_if_ended() const {
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT);
  if (info.si_pid != 0) throw failed(ended(cpus_));
}

void Bystanders::send(Order order) {
  ++sequence_;
  for (Slots::Slot& slot : slots_->all()) {
    slot.order = order;
    slot.sequence.store(sequence_, std::memory_order_release);
  }
}

void Bystanders::wait_until_done(const char* what) const {
  for (std::size_t i = 0; i < cpus_.size(); ++i) {
    const Slots::Slot& slot = slots_->all()[i];
    unsigned turn = 0;
    spin_until("bystander", cpus_[i], what, [&] {
      if (slot.done.load(std::memory_order_acquire) >= sequence_) return true;
      if (++turn % 4096 == 0) throw_if_ended();
      return false;
    });
  }
}

void Bystanders::open_probe(std::size_t most_pages) {
  if (cpus_.empty()) return;
  for (Slots::Slot& slot : slots_->all()) slot.nr_pages = most_pages;
  send(Order::kOpenProbe);
  wait_until_done("mapped its working set");
}

void Bystanders::arrange_probe(std::size_t nr_pages, std::uint64_t seed) {
  if (cpus_.empty()) return;
  for (Slots::Slot& slot : slots_->all()) {
    slot.nr_pages = nr_pages;
    slot.seed = seed;
  }
  send(Order::kArrangeProbe);
  wait_until_done("arranged its working set");
}

void Bystanders::warm_up() {
  if (cpus_.empty()) return;
  send(Order::kWarmUp);
  wait_until_done("walked its working set");
}

void Bystanders::start_walks() {
  if (!cpus_.empty()) send(Order::kWalk);
}

std::vector<std::uint64_t> Bystanders::finish_walks() {
  if (cpus_.empty()) return {};
  wait_until_done("walked its working set");
  std::vector<std::uint64_t> walks;
  for (const Slots::Slot& slot : slots_->all()) walks.push_back(slot.walk_ns);
  return walks;
}

int run_bystanders() {
  std::string line;
  std::getline(std::cin, line);
  const std::vector<int> cpus = parse_cpu_list(line);
  const Bystanders::Slots slots(kSlotsFd, cpus.size());
  std::atomic<std::size_t> nr_spinning{0};
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    std::thread([&slot = slots.all()[i], &nr_spinning, cpu = cpus[i]] {
      try {
        pin_to_cpu(cpu);
        ++nr_spinning;
        slot.serve();
      } catch (const Error& error) {
        // The parent sees that this process ends, and says what to do.
        fmt::print(stderr, "tlblab: {}\n", error.what());
        _exit(static_cast<int>(ExitStatus::kMachine));
      }
    }).detach();
  }
  while (nr_spinning < cpus.size()) std::this_thread::yield();
  std::puts("");
  std::fflush(stdout);
  while (std::cin.get() != std::char_traits<char>::eof()) {
  }
  _exit(0);  // its threads spin for ever
}

}  // namespace tlblab
