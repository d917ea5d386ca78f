// SPDX-License-Identifier: GPL-2.0-only
// What may be said of a cell, from what its witnesses counted. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "user/oracle/witness.hh"

namespace tlblab::oracle {

/// One witness over all rounds of a cell.
struct WitnessCounts {
  int cpu = 0;
  std::uint64_t not_loaded = 0;   ///< rounds in which it had not read every page, live, in time
  std::uint64_t not_running = 0;  ///< rounds in which it read nothing while a call ran
};

/// Sums over the rounds of a cell.
struct CellCounts {
  std::uint64_t rounds = 0;
  std::uint64_t witnessed =
      0;  ///< rounds in which every witness was there, for all pages and calls
  std::uint64_t eligible_reads = 0;                    ///< of all witnesses, in witnessed rounds
  std::array<std::uint64_t, kNrSights> reads{};        ///< by Sight, in all rounds
  std::array<std::uint64_t, kNrSights> rounds_seen{};  ///< rounds with at least one such read
  std::uint64_t stale_writes = 0;  ///< frames written to after their release; 0 without --write
  std::vector<WitnessCounts> witnesses;
  std::string not_run;  ///< why there was no round at all, or empty

  void add(const std::vector<WitnessReport>& round);
  [[nodiscard]] std::uint64_t seen(Sight sight) const {
    return rounds_seen[static_cast<std::size_t>(sight)];
  }
};

/// docs/correctness.md's words. "Stale until its sync point" comes with the schemes that allow it.
enum class Word : std::uint8_t {
  kLeak,             ///< a released frame was reached
  kReadAfterReturn,  ///< a strict call had returned, and its page was still readable
  kStaleWrite,       ///< a released frame was written to
  kNoneSeen,
  kInconclusive,
};

struct Verdict {
  Word word = Word::kInconclusive;
  std::string reason;  ///< of kInconclusive; empty otherwise
};

/// Of a scheme with the strict release. What was seen counts in every round; that nothing was seen,
/// only in rounds in which every witness was there. Without any such round: inconclusive.
Verdict judge(const CellCounts& counts);

/// Whether something was seen that a sound scheme never shows.
bool is_violation(Word word);

/// "LEAK in 3 of 12 rounds", "none seen in 8123 eligible reads", "inconclusive".
std::string words(const Verdict& verdict, const CellCounts& counts);

/// With none seen: the rate per round that 95 % of such runs would have shown (Clopper-Pearson).
/// Rounds, not reads, are independent: a read sees what the one before it saw.
double round_bound_95(const CellCounts& counts);

}  // namespace tlblab::oracle
