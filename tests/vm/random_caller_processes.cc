// SPDX-License-Identifier: GPL-2.0-only
// random_calls: calls through /proc, on other processes and into other parts of the kernel; and the
// draw that decides what a step is.
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <new>

#include "tests/vm/random_caller.hh"
#include "tests/vm/reach.hh"

namespace tlblab::vm {
namespace {

/// Reads all of a file of /proc, as far as it goes in some calls.
void read_all(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  char buffer[2048];
  for (int i = 0; i < 100 && read(fd, buffer, sizeof(buffer)) > 0; ++i) {
  }
  close(fd);
}

}  // namespace

void complain(SharedState& shared, const char* format, ...) {
  char line[256] = "# random_calls: ";
  va_list arguments;
  va_start(arguments, format);
  const std::size_t begin = 16;
  std::vsnprintf(line + begin, sizeof(line) - begin - 1, format, arguments);
  va_end(arguments);
  std::size_t length = 0;
  while (line[length] != '\0') ++length;
  line[length++] = '\n';
  // A harmful fault shows often: the first few messages are enough.
  if (shared.complaints++ < 20) (void)!write(STDOUT_FILENO, line, length);
}

void RandomCaller::read_proc() {
  constexpr const char* kFiles[] = {"/proc/self/smaps", "/proc/self/numa_maps",
                                    "/proc/self/smaps_rollup", "/proc/self/maps"};
  if (one_in(2)) return read_all(kFiles[below(std::size(kFiles))]);
  // 1 to 3 clear accessed bits, 4 soft-dirty ones, 5 a peak.
  const int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  const char what = static_cast<char>('1' + below(5));
  (void)!write(fd, &what, 1);
  close(fd);
}

void RandomCaller::use_mem_file() {
  // In a child it is the parent's memory, which has the same guards.
  if (one_in(3)) {
    std::uint64_t value = 0;
    const std::uint64_t at = state_.zones.guard(below(Zones::kGuards)).start + below(64) * 8;
    if (pread(state_.mem, &value, sizeof(value), static_cast<off_t>(at)) == sizeof(value) &&
        value != guard_word(state_.process, at)) {
      complain(shared_, "/proc/self/mem has %#llx in the guard's word at %#llx",
               static_cast<unsigned long long>(value), static_cast<unsigned long long>(at));
    }
    return;
  }
  std::uint64_t buffer[512] = {};
  const std::uint64_t at = any_piece().start;
  const std::size_t bytes = kPage < sizeof(buffer) ? kPage : sizeof(buffer);
  if (one_in(2)) {
    (void)!pwrite(state_.mem, buffer, bytes, static_cast<off_t>(at));
  } else {
    (void)!pread(state_.mem, buffer, bytes, static_cast<off_t>(at));
  }
}

void RandomCaller::reach_peer() {
  const unsigned peer = below(SharedState::kWorkers);
  const pid_t pid = shared_.workers[peer];
  if (pid == 0) return;
  const Zones::Piece piece = any_piece();
  std::uint64_t buffer[512] = {};
  iovec mine = {buffer, kPage < sizeof(buffer) ? kPage : sizeof(buffer)};
  iovec theirs = {reinterpret_cast<void*>(piece.start), mine.iov_len};
  switch (below(4)) {
    case 0: {
      const Zones::Piece guard = state_.zones.guard(below(Zones::kGuards));
      theirs.iov_base = reinterpret_cast<void*>(guard.start);
      if (process_vm_readv(pid, &mine, 1, &theirs, 1, 0) < 8) return;
      if (buffer[0] != guard_word(peer, guard.start)) {
        complain(shared_, "process %u's guard at %#llx begins with %#llx", peer,
                 static_cast<unsigned long long>(guard.start),
                 static_cast<unsigned long long>(buffer[0]));
      }
      return;
    }
    case 1:
      process_vm_readv(pid, &mine, 1, &theirs, 1, 0);
      return;
    case 2:
      process_vm_writev(pid, &mine, 1, &theirs, 1, 0);
      return;
    default: {
      const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
      if (fd < 0) return;
      // COLD, PAGEOUT, WILLNEED, COLLAPSE.
      constexpr int kAdvice[] = {20, 21, 3, 25};
      const Zones::Piece any = any_neighbourhood();
      theirs = {reinterpret_cast<void*>(any.start), any.bytes};
      syscall(SYS_process_madvise, fd, &theirs, 1, kAdvice[below(4)], 0);
      close(fd);
    }
  }
}

void RandomCaller::fork_child() {
  if (is_child_) return;
  const unsigned kind = below(3);
  const unsigned steps = below(200);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return;
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    is_child_ = true;
    for (std::atomic<WorkerState::Hint>& hint : state_.hints) hint = WorkerState::Hint{};
    if (!state_.zones.guards_are_good()) complain(shared_, "a child's guards are not its parent's");
    if (kind == 0) _exit(0);
    if (kind == 1) {
      execl("/bin/busybox", "busybox", "true", static_cast<char*>(nullptr));
      _exit(0);
    }
    for (unsigned i = 0; i < steps && !shared_.end; ++i) step();
    if (!state_.zones.guards_are_good()) complain(shared_, "a child's guards have changed");
    _exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0)
    complain(shared_, "a child ended with status %#x", static_cast<unsigned>(status));
}

void RandomCaller::change_process() {
  switch (below(6)) {
    case 0:
      prctl(PR_SET_THP_DISABLE, below(2), 0, 0, 0);
      return;
    case 1:
      prctl(PR_SET_DUMPABLE, below(2), 0, 0, 0);
      return;
    case 2: {
      // Names a piece of memory: PR_SET_VMA, PR_SET_VMA_ANON_NAME.
      const Zones::Piece piece = any_piece();
      prctl(0x53564d41, 0, piece.start, piece.bytes, "zone");
      return;
    }
    case 3: {
      const Zones::Piece piece = any_piece();
      syscall(SYS_remap_file_pages, piece.start, piece.bytes, 0, below(Zones::kZonePages), 0);
      return;
    }
    default: {
      cpu_set_t set;
      CPU_ZERO(&set);
      for (int cpu = 0; cpu < 4; ++cpu) {
        if (one_in(2)) CPU_SET(cpu, &set);
      }
      sched_setaffinity(0, sizeof(set), &set);
    }
  }
}

void RandomCaller::pass_to_kernel() {
  const std::uint64_t at = any_word();
  const Zones::Piece piece = any_piece();
  switch (below(5)) {
    case 0:
      syscall(SYS_futex, at, FUTEX_WAKE, 1, nullptr, nullptr, 0);
      return;
    case 1: {
      unsigned char in_core[Zones::kZonePages];
      mincore(reinterpret_cast<void*>(piece.start), piece.bytes, in_core);
      return;
    }
    case 2:
      msync(reinterpret_cast<void*>(piece.start), piece.bytes, MS_SYNC | MS_INVALIDATE);
      return;
    default: {
      // Pages as they are, into a pipe: get_user_pages(). And a copy, out of it.
      int ends[2];
      if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return;
      const iovec pages = {reinterpret_cast<void*>(piece.start), kPage};
      vmsplice(ends[1], &pages, 1, SPLICE_F_NONBLOCK);
      (void)!write(ends[1], reinterpret_cast<void*>(at), 8);
      (void)!read(ends[0], reinterpret_cast<void*>(any_word()), 8);
      close(ends[0]);
      close(ends[1]);
    }
  }
}

RandomCaller::RandomCaller(WorkerState& state, std::uint64_t seed)
    : state_(state), shared_(*state.shared), random_(seed) {}

void RandomCaller::step() {
  struct WeightedCall {
    Call call;
    unsigned weight;
  };
  // Half of it is the module's.
  static constexpr WeightedCall kCalls[] = {
      {&RandomCaller::map_lab, 20},       {&RandomCaller::populate, 30},
      {&RandomCaller::perform, 40},       {&RandomCaller::ask, 2},
      {&RandomCaller::reopen, 1},         {&RandomCaller::touch, 40},
      {&RandomCaller::map_ordinary, 8},   {&RandomCaller::unmap, 6},
      {&RandomCaller::move, 6},           {&RandomCaller::protect, 6},
      {&RandomCaller::advise, 12},        {&RandomCaller::lock, 5},
      {&RandomCaller::bind, 4},           {&RandomCaller::migrate, 4},
      {&RandomCaller::register_uffd, 8},  {&RandomCaller::scan_pagemap, 3},
      {&RandomCaller::read_proc, 2},      {&RandomCaller::use_mem_file, 4},
      {&RandomCaller::reach_peer, 6},     {&RandomCaller::fork_child, 1},
      {&RandomCaller::change_process, 3}, {&RandomCaller::pass_to_kernel, 3},
  };
  static constexpr unsigned kSum = [] {
    unsigned sum = 0;
    for (const WeightedCall& weighted : kCalls) sum += weighted.weight;
    return sum;
  }();
  unsigned drawn = below(kSum);
  for (const WeightedCall& weighted : kCalls) {
    if (drawn < weighted.weight) {
      ++shared_.others;
      return (this->*weighted.call)();
    }
    drawn -= weighted.weight;
  }
}

}  // namespace tlblab::vm
