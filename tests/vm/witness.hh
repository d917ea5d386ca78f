// SPDX-License-Identifier: GPL-2.0-only
// A witness for guest tests: a thread pinned to a CPU that reads pages in a loop and counts what
// its TLB let it see.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/vm/lab.hh"

namespace tlblab::vm {

/// What a witness has seen since its round began.
struct WitnessCounts {
  std::uint64_t served = 0;        ///< pages reached
  std::uint64_t served_after = 0;  ///< of these: begun after returned() was told
  std::uint64_t released = 0;      ///< of these: with the tag of a released frame
  tlblab_tag last_released{};      ///< the last such tag, if any
};

class Witness {
 public:
  /// What it does to each page: reads the tag's state; or writes to its guard as well.
  enum class Access { kRead, kWrite };

  /// Runs on that CPU until destruction. `ranges` outlive it. In a round it doesn't come back to a
  /// page that is gone, since that costs a signal each time; before the first round it does.
  Witness(int cpu, const std::vector<tlblab_range>& ranges, Access access = Access::kRead);
  ~Witness();
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  /// Forgets what was seen, and waits until it has gone through all pages, so that its TLB has
  /// them.
  void begin_round();
  /// The call that unmaps the pages has returned: reaching one from now on is wrong. Does not wait.
  void returned() { returned_.store(true); }
  /// Waits until it has gone through all pages after that. Returns what it has seen.
  WitnessCounts end_round();

  /// The value that a writer writes.
  static constexpr std::uint64_t kWritten = 0x57a1e;

 private:
  void run(int cpu);
  /// False if it is gone.
  bool visit(std::uint64_t page);
  void wait_for_passes(std::uint64_t nr) const;

  const std::vector<tlblab_range>& ranges_;
  Access access_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> returned_{false};
  std::atomic<std::uint64_t> passes_{0};
  std::atomic<std::uint64_t> round_{0};
  std::mutex lock_;
  WitnessCounts seen_;  ///< under lock_
  std::thread thread_;
};

}  // namespace tlblab::vm
