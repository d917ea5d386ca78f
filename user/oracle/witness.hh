// SPDX-License-Identifier: GPL-2.0-only
// Witnesses: threads that go on reading pages, each through its own TLB, while other threads unmap
// them, and tell what they could still see.
//
// One round, per witness and page:
//   1. load: reads the tag, which must say that the frame is live. From here on the CPU may hold
//      the translation.
//   2. reads again and again, while calls run and after. Each such read of a loaded page is an
//      *eligible read*: it could have seen something wrong.
//        a released frame's tag     -> released: memory reached after it was given away
//        neither live nor released  -> foreign: another user's data
//        any data, begun after a call that covers the page had returned -> after return
//   3. the first SIGBUS ends the page: its translation is gone.
//   4. once all calls have returned, one last turn over what is left.
// A witness that made no read while a call ran was possibly not there: the round is set apart.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "include/tlblab/abi.h"
#include "user/oracle/load.hh"

namespace tlblab::oracle {

enum class Sight : std::uint8_t { kReleased, kForeign, kAfterReturn };
inline constexpr std::size_t kNrSights = 3;
/// "released frame", "foreign data", "read after return".
std::string_view name(Sight sight);

/// One thing seen that should not be. Times are CLOCK_MONOTONIC in ns.
struct Finding {
  Sight sight = Sight::kReleased;
  int cpu = 0;
  unsigned round = 0;
  std::uintptr_t address = 0;
  std::uint64_t seen_ns = 0;
  std::uint64_t returned_ns = 0;  ///< when the first call that covers it returned; 0: none had
  tlblab_tag tag{};               ///< as seen; all 0 if the translation went while it was read
};

/// One witness in one round.
struct WitnessReport {
  int cpu = 0;
  bool loaded = false;  ///< read every page, live, before the calls began
  bool ran = false;     ///< for every page, read one with the same calls while one of them ran
  std::uint64_t eligible_reads = 0;
  std::array<std::uint64_t, kNrSights> reads{};  ///< of eligible_reads, by Sight
};

/// How many findings a witness keeps, one of a page and round at most; all are counted.
inline constexpr std::size_t kKeptFindings = 4;

class WitnessCrew {
 public:
  /// One thread pinned to each of `cpus`, asleep between rounds. `write`: after each live tag also
  /// writes the frame's guard, so that the module can tell of writes that came too late. Throws
  /// Error(kMachine) when a CPU can't be had.
  WitnessCrew(const std::vector<int>& cpus, std::vector<WitnessedPage> pages, bool write);
  ~WitnessCrew();
  WitnessCrew(const WitnessCrew&) = delete;
  WitnessCrew& operator=(const WitnessCrew&) = delete;

  /// Begins a round: returns when every witness has read every page, and is in its next turn.
  /// Throws Error(kMachine) when one doesn't within kPatienceNs.
  void load(unsigned round);

  /// Around each initiator's call, from its own thread.
  void call_begins(unsigned initiator) noexcept;
  void call_returned(unsigned initiator) noexcept;

  /// After all calls: has every witness make its last turn. One report per witness, valid until the
  /// next load(). Throws as load() does.
  const std::vector<WitnessReport>& close();

  /// What was kept since the crew was made, by witness, in the order seen.
  [[nodiscard]] std::vector<Finding> findings() const;

 private:
  struct Board;
  class Witness;
  void stop() noexcept;

  std::unique_ptr<Board> board_;
  std::vector<std::unique_ptr<Witness>> witnesses_;
  std::vector<WitnessReport> reports_;
};

}  // namespace tlblab::oracle
