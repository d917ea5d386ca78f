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

#include "user/model/check.hh"
#include "user/oracle/load.hh"

namespace tlblab::oracle {

/// One witness in one round.
struct WitnessReport {
  int cpu = 0;
  bool loaded = false;  ///< read every page, live, before the calls began
  bool ran = false;     ///< for every page, read one with the same calls while one of them ran
  std::uint64_t eligible_reads = 0;
  std::array<std::uint64_t, kObservations.size()> reads{};  ///< of eligible_reads, by Observation
};

/// How many bad reads a witness keeps, one of a page and round at most; all are counted.
inline constexpr std::size_t kKeptBadReads = 4;

/// Adds one round's reports, one per witness, to the sums.
void add_round(CheckCounts& counts, const std::vector<WitnessReport>& round);

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
  [[nodiscard]] std::vector<BadRead> bad_reads() const;

 private:
  struct RoundState;
  class Witness;
  void stop() noexcept;

  std::unique_ptr<RoundState> shared_;
  std::vector<std::unique_ptr<Witness>> witnesses_;
  std::vector<WitnessReport> reports_;
};

}  // namespace tlblab::oracle
