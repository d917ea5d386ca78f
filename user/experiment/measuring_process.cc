// SPDX-License-Identifier: GPL-2.0-only
// Both ends of the pipe between a study and the process that measures one of its cells.
#include "user/experiment/measuring_process.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <iterator>

#include "user/experiment/cell_runner.hh"
#include "user/support/error.hh"
#include "user/support/interruption.hh"
#include "user/topology/placement.hh"

namespace tlblab {
namespace {

Error failed(const std::string& what) {
  return {ExitStatus::kMachine, fmt::format("cannot start a measuring process: {}", what),
          "Free memory or raise the limit on processes (ulimit -u), then give the command again."};
}

/// Between fork and exec. The parent has no other thread, so this may allocate.
[[noreturn]] void become_measuring_process(int cpu, int job_fd, int progress_fd, pid_t parent) {
  // Exec makes the new mm on this CPU, and it never runs elsewhere: or R = 0 would send interrupts.
  try {
    pin_to_cpu(cpu);
  } catch (const Error&) {
    // run_cell() pins again, and its error reaches the user.
  }
  // Its own priority among sessions (autogroups), not the terminal's. Signals come from the parent.
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(1);
  dup2(job_fd, STDIN_FILENO);
  dup2(progress_fd, STDOUT_FILENO);
  execl("/proc/self/exe", "tlblab", kMeasureCommand, nullptr);
  _exit(127);
}

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {
    if (fd_ < 0) throw failed(std::strerror(errno));
  }
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  void reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

/// The job as an open file at its beginning. Not a pipe: a child that dies early can't then kill
/// the parent with SIGPIPE, and a long job can't fill it.
int open_job(const std::string& text) {
  const int fd = memfd_create("job", MFD_CLOEXEC);
  const auto bytes = static_cast<ssize_t>(text.size());
  if (fd >= 0 && pwrite(fd, text.data(), text.size(), 0) != bytes) {
    close(fd);
    return -1;
  }
  return fd;
}

}  // namespace

CellOutcome measure_in_process(const CellJob& job,
                               const std::function<void(const CellProgress&)>& progress) {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw failed(std::strerror(errno));
  const Descriptor from_child(ends[0]);
  Descriptor to_parent(ends[1]);
  const Descriptor job_file(open_job(job_to_text(job)));
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw failed(std::strerror(errno));
  if (child == 0) {
    become_measuring_process(job.cpus.at(0), job_file.get(), to_parent.get(), parent);
  }
  to_parent.reset();

  std::string pending;
  std::array<char, 4096> part{};
  while (true) {
    if (interrupted()) kill(child, SIGTERM);
    const ssize_t got = read(from_child.get(), part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    pending.append(part.data(), static_cast<std::size_t>(got));
    for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
      progress(progress_from_text(std::string_view(pending).substr(0, end)));
      pending.erase(0, end + 1);
    }
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return CellOutcome::kEnded;
  if (WIFEXITED(status) && WEXITSTATUS(status) == static_cast<int>(ExitStatus::kInterrupted)) {
    return CellOutcome::kInterrupted;
  }
  throw Error(ExitStatus::kMachine,
              WIFSIGNALED(status)
                  ? fmt::format("the process measuring {} was killed by signal {} ({})",
                                job.cell.id, WTERMSIG(status), strsignal(WTERMSIG(status)))
                  : fmt::format("the process measuring {} failed", job.cell.id),
              "What was measured is on disk; the same command goes on from there.");
}

int run_measuring_process() {
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  const CellJob job = job_from_text(text);
  const bool ended = run_cell(job, [](const CellProgress& progress) {
    std::puts(progress_to_text(progress).c_str());
    std::fflush(stdout);
  });
  return ended ? 0 : static_cast<int>(ExitStatus::kInterrupted);
}

}  // namespace tlblab
