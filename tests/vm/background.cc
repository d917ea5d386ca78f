// SPDX-License-Identifier: GPL-2.0-only
// The process that watches its memory, and the one that uses it up.
#include "tests/vm/background.hh"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace tlblab::vm {
namespace {

const char* const kMaxMib = "/sys/module/tlblab/parameters/max_mib";
const char* const kFailAllocation = "/sys/module/tlblab/parameters/fail_allocation";

std::uint64_t available_bytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("MemAvailable:", 0) == 0) return std::stoull(line.substr(13)) * 1024;
  }
  return 0;
}

/// Writes to a file of /proc or /sys, if there is such a file.
void write_setting(const char* path, const std::string& text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!write(fd, text.c_str(), text.size());
  close(fd);
}

}  // namespace

void use_all_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof(set), &set);
}

int watch_memory(SharedState& shared, std::uint64_t bytes) {
  use_all_cpus();
  void* got = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got == MAP_FAILED) return 1;
  auto* words = static_cast<volatile std::uint64_t*>(got);
  const auto value = [](std::uint64_t i) { return kGuardMagic | 0xffull << 40 | i; };
  for (std::uint64_t i = 0; i < bytes / 8; ++i) words[i] = value(i);
  do {
    // Some pages are given back and come again, from what the module had perhaps.
    const std::uint64_t first = bytes / 8 / 4 * 3;
    if (madvise(static_cast<char*>(got) + first * 8, bytes - first * 8, MADV_DONTNEED) != 0) {
      return 2;
    }
    for (std::uint64_t i = first; i < bytes / 8; ++i) {
      if (words[i] != 0) complain(shared, "a new page of the bystander is not zero");
      words[i] = value(i);
    }
    for (std::uint64_t i = 0; i < bytes / 8; ++i) {
      if (words[i] != value(i)) complain(shared, "the bystander's memory has changed");
    }
    usleep(1000);
  } while (!shared.end);
  return 0;
}

int use_up_memory(SharedState& shared, std::uint64_t seed) {
  use_all_cpus();
  std::mt19937_64 random(seed);
  // A big machine isn't short of memory for this.
  constexpr std::uint64_t kMost = 1ull << 30;
  const std::uint64_t available = available_bytes();
  const std::uint64_t spare = std::max(available / 4, available - std::min(available, kMost));
  const std::uint64_t piece = 256 * kPage;
  std::string max_mib;
  std::ifstream(kMaxMib) >> max_mib;
  while (!shared.end) {
    std::vector<void*> pieces;
    while (!shared.end && available_bytes() > spare + piece) {
      void* got = mmap(nullptr, piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (got == MAP_FAILED) break;
      for (std::uint64_t at = 0; at < piece; at += kPage) static_cast<char*>(got)[at] = 1;
      pieces.push_back(got);
      if (random() % 4 == 0) write_setting(kFailAllocation, std::to_string(1 + random() % 300));
    }
    // Every shrinker is called; page tables' neighbours move.
    write_setting("/proc/sys/vm/drop_caches", random() % 2 != 0 ? "2" : "3");
    write_setting("/proc/sys/vm/compact_memory", "1");
    write_setting(kMaxMib, random() % 4 == 0 ? "1" : max_mib);
    for (void* got : pieces) munmap(got, piece);
    usleep(static_cast<useconds_t>(random() % 300'000));
  }
  write_setting(kMaxMib, max_mib);
  write_setting(kFailAllocation, "0");
  return 0;
}

}  // namespace tlblab::vm
