// SPDX-License-Identifier: GPL-2.0-only
// random_calls: what goes by way of /proc, of another process or of another part of the kernel; and
// the lot that decides what a step is.
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

void complain(Board& board, const char* format, ...) {
  char line[256] = "# random_calls: ";
  va_list arguments;
  va_start(arguments, format);
  const std::size_t begin = 16;
  std::vsnprintf(line + begin, sizeof(line) - begin - 1, format, arguments);
  va_end(arguments);
  std::size_t length = 0;
  while (line[length] != '\0') ++length;
  line[length++] = '\n';
  // A fault that harms harms often: the first few tell enough.
  if (board.complaints++ < 20) (void)!write(STDOUT_FILENO, line, length);
}

void Player::read_proc() {
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

void Player::use_mem_file() {
  // In a child it is the parent's memory, which has the same guards.
  if (one_in(3)) {
    std::uint64_t value = 0;
    const std::uint64_t at = world_.stage.guard(below(Stage::kGuards)).start + below(64) * 8;
    if (pread(world_.mem, &value, sizeof(value), static_cast<off_t>(at)) == sizeof(value) &&
        value != guard_word(world_.process, at)) {
      complain(board_, "/proc/self/mem has %#llx in the guard's word at %#llx",
               static_cast<unsigned long long>(value), static_cast<unsigned long long>(at));
    }
    return;
  }
  std::uint64_t buffer[512] = {};
  const std::uint64_t at = any_piece().start;
  const std::size_t bytes = kPage < sizeof(buffer) ? kPage : sizeof(buffer);
  if (one_in(2)) {
    (void)!pwrite(world_.mem, buffer, bytes, static_cast<off_t>(at));
  } else {
    (void)!pread(world_.mem, buffer, bytes, static_cast<off_t>(at));
  }
}

void Player::reach_peer() {
  const unsigned peer = below(Board::kWorkers);
  const pid_t pid = board_.workers[peer];
  if (pid == 0) return;
  const Stage::Piece piece = any_piece();
  std::uint64_t buffer[512] = {};
  iovec mine = {buffer, kPage < sizeof(buffer) ? kPage : sizeof(buffer)};
  iovec theirs = {reinterpret_cast<void*>(piece.start), mine.iov_len};
  switch (below(4)) {
    case 0: {
      const Stage::Piece guard = world_.stage.guard(below(Stage::kGuards));
      theirs.iov_base = reinterpret_cast<void*>(guard.start);
      if (process_vm_readv(pid, &mine, 1, &theirs, 1, 0) < 8) return;
      if (buffer[0] != guard_word(peer, guard.start)) {
        complain(board_, "process %u's guard at %#llx begins with %#llx", peer,
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
      const Stage::Piece any = any_neighbourhood();
      theirs = {reinterpret_cast<void*>(any.start), any.bytes};
      syscall(SYS_process_madvise, fd, &theirs, 1, kAdvice[below(4)], 0);
      close(fd);
    }
  }
}

void Player::fork_child() {
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
    for (std::atomic<World::Hint>& hint : world_.hints) hint = World::Hint{};
    if (!world_.stage.guards_are_good()) complain(board_, "a child's guards are not its parent's");
    if (kind == 0) _exit(0);
    if (kind == 1) {
      execl("/bin/busybox", "busybox", "true", static_cast<char*>(nullptr));
      _exit(0);
    }
    for (unsigned i = 0; i < steps && !board_.end; ++i) step();
    if (!world_.stage.guards_are_good()) complain(board_, "a child's guards have changed");
    _exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) complain(board_, "a child ended with status %#x", static_cast<unsigned>(status));
}

void Player::change_process() {
  switch (below(6)) {
    case 0:
      prctl(PR_SET_THP_DISABLE, below(2), 0, 0, 0);
      return;
    case 1:
      prctl(PR_SET_DUMPABLE, below(2), 0, 0, 0);
      return;
    case 2: {
      // Names a piece of memory: PR_SET_VMA, PR_SET_VMA_ANON_NAME.
      const Stage::Piece piece = any_piece();
      prctl(0x53564d41, 0, piece.start, piece.bytes, "zone");
      return;
    }
    case 3: {
      const Stage::Piece piece = any_piece();
      syscall(SYS_remap_file_pages, piece.start, piece.bytes, 0, below(Stage::kZonePages), 0);
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

void Player::pass_to_kernel() {
  const std::uint64_t at = any_word();
  const Stage::Piece piece = any_piece();
  switch (below(5)) {
    case 0:
      syscall(SYS_futex, at, FUTEX_WAKE, 1, nullptr, nullptr, 0);
      return;
    case 1: {
      unsigned char in_core[Stage::kZonePages];
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

Player::Player(World& world, std::uint64_t seed)
    : world_(world), board_(*world.board), random_(seed) {}

void Player::step() {
  struct Lot {
    Act act;
    unsigned weight;
  };
  // Half of it is the module's.
  static constexpr Lot kLots[] = {
      {&Player::map_lab, 20},       {&Player::populate, 30},
      {&Player::perform, 40},       {&Player::ask, 2},
      {&Player::reopen, 1},         {&Player::touch, 40},
      {&Player::map_ordinary, 8},   {&Player::unmap, 6},
      {&Player::move, 6},           {&Player::protect, 6},
      {&Player::advise, 12},        {&Player::lock, 5},
      {&Player::bind, 4},           {&Player::migrate, 4},
      {&Player::register_uffd, 8},  {&Player::scan_pagemap, 3},
      {&Player::read_proc, 2},      {&Player::use_mem_file, 4},
      {&Player::reach_peer, 6},     {&Player::fork_child, 1},
      {&Player::change_process, 3}, {&Player::pass_to_kernel, 3},
  };
  static constexpr unsigned kSum = [] {
    unsigned sum = 0;
    for (const Lot& lot : kLots) sum += lot.weight;
    return sum;
  }();
  unsigned drawn = below(kSum);
  for (const Lot& lot : kLots) {
    if (drawn < lot.weight) {
      ++board_.others;
      return (this->*lot.act)();
    }
    drawn -= lot.weight;
  }
}

}  // namespace tlblab::vm
