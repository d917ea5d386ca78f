// SPDX-License-Identifier: GPL-2.0-only
// One thread of random_calls: makes one random call after the other. Calls may be illegal; each
// must end with an errno that it may have, and change nothing unrelated.
#pragma once

#include <sys/types.h>
#include <tlblab/abi.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>

#include "tests/vm/uffd.hh"
#include "tests/vm/zones.hh"

namespace tlblab::vm {

/// What the processes share, in shared memory.
struct SharedState {
  static constexpr unsigned kWorkers = 3;
  std::atomic<bool> end{false};
  std::atomic<unsigned> complaints{0};
  std::array<std::atomic<pid_t>, kWorkers> workers{};  ///< 0: not ready, or gone
  std::atomic<std::uint64_t> mapped{0};                ///< mmap() of lab VMAs that worked
  std::atomic<std::uint64_t> populated{0};             ///< TLBLAB_POPULATE that worked
  std::atomic<std::uint64_t> performed{0};             ///< TLBLAB_PERFORM that worked
  std::atomic<std::uint64_t> cleared{0};               ///< entries that they cleared
  std::atomic<std::uint64_t> refused{0};               ///< calls of the module that failed
  std::atomic<std::uint64_t> others{0};                ///< calls of the kernel
  std::atomic<std::uint64_t> killed{0};                ///< workers
};

/// Writes one line to stdout, in one piece, and counts it. Safe after fork().
[[gnu::format(printf, 2, 3)]] void complain(SharedState& shared, const char* format, ...);

/// What all threads of one worker process share.
struct WorkerState {
  /// Where a zone has lab memory. A hint only: other threads map over it.
  struct alignas(4) Hint {
    std::uint8_t arena;  ///< index + 1; 0: no lab memory
    std::uint8_t first;  ///< page in the zone
    std::uint8_t nr;
  };

  SharedState* shared = nullptr;
  unsigned process = 0;
  bool foreign_entries = false;  ///< others may set entries in lab VMAs
  Zones zones;
  tlblab_capabilities can{};
  std::array<int, 3> arenas{};  ///< files: two are all workers', one is this worker's
  int mem = -1;                 ///< /proc/self/mem
  std::array<std::atomic<Hint>, Zones::kZones> hints{};
};

class RandomCaller {
 public:
  RandomCaller(WorkerState& state, std::uint64_t seed);

  /// One call, or a few that belong together.
  void step();

 private:
  using Call = void (RandomCaller::*)();

  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }
  /// Some pages of a zone, or all of it.
  Zones::Piece any_piece();
  /// As any_piece(), or a guard and what is around it: for calls that leave content as it is.
  Zones::Piece any_neighbourhood();
  std::uint64_t any_word();
  [[nodiscard]] int any_arena() { return state_.arenas[below(3)]; }

  // random_caller_lab.cc: the module's calls.
  void map_lab();
  void populate();
  void perform();
  void ask();
  void reopen();
  /// Ranges of one arena's lab memory, as far as the hints know; or nonsense. Returns their number.
  unsigned any_ranges(int* fd);
  void spoil_ranges(unsigned nr);
  /// Drops the hints: there is no lab memory there any more.
  void forget_ranges(unsigned nr);
  tlblab_request any_request();
  /// Writes to each page of the ranges that lies in a zone and can be reached.
  void write_to_ranges(unsigned nr);
  void check_account(const tlblab_request& request, unsigned nr_ranges);

  // random_caller_memory.cc: what the kernel does to a process's own memory.
  void touch();
  void map_ordinary();
  void unmap();
  void move();
  void protect();
  void advise();
  void lock();
  void bind();
  void migrate();
  void register_uffd();
  void scan_pagemap();

  // random_caller_processes.cc: calls through /proc, and on other processes.
  void read_proc();
  void use_mem_file();
  void reach_peer();
  void fork_child();
  void change_process();
  void pass_to_kernel();

  WorkerState& state_;
  SharedState& shared_;
  std::mt19937_64 random_;
  Userfaultfd uffd_;
  bool is_child_ = false;  ///< of fork_child(): does not fork again
  std::array<tlblab_range, 8> ranges_{};
};

}  // namespace tlblab::vm
