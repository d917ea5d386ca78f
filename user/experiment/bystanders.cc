// SPDX-License-Identifier: GPL-2.0-only
// Both ends of the pipes between a measuring process and its bystanders.
#include "user/experiment/bystanders.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

#include "user/model/cpu_list.hh"
#include "user/support/clock.hh"
#include "user/support/error.hh"
#include "user/topology/placement.hh"

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

/// Spins on one CPU, with an address space that nobody unmaps from.
void spin(int cpu, std::atomic<int>& nr_spinning, std::atomic<bool>& failed_to_pin) {
  try {
    pin_to_cpu(cpu);
  } catch (const Error&) {
    failed_to_pin = true;
  }
  ++nr_spinning;
  while (true) now_ns();  // as a responder does
}

}  // namespace

Bystanders::Bystanders(const std::vector<int>& cpus) {
  if (cpus.empty()) return;
  Pipe to_child;
  Pipe from_child;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to_child.read_end(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, from_child.write_end(), STDOUT_FILENO);
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
    throw failed(fmt::format("the process that was to spin on CPUs {} ended", line));
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

int run_bystanders() {
  std::string line;
  std::getline(std::cin, line);
  const std::vector<int> cpus = parse_cpu_list(line);
  std::atomic<int> nr_spinning{0};
  std::atomic<bool> failed_to_pin{false};
  for (const int cpu : cpus) {
    std::thread(spin, cpu, std::ref(nr_spinning), std::ref(failed_to_pin)).detach();
  }
  while (nr_spinning < static_cast<int>(cpus.size())) std::this_thread::yield();
  if (failed_to_pin) _exit(static_cast<int>(ExitStatus::kMachine));
  std::puts("");
  std::fflush(stdout);
  while (std::cin.get() != std::char_traits<char>::eof()) {
  }
  _exit(0);  // its threads spin for ever
}

}  // namespace tlblab
