// SPDX-License-Identifier: GPL-2.0-only
// What a check of schemes is made of: under which load, what witnesses saw, in numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "user/model/shape.hh"

namespace tlblab {

/// How many initiators unmap, on which ranges.
enum class Load : std::uint8_t {
  kOneInitiator,
  kTwoDisjoint,  ///< at once, each on every other VMA (or page, if there is one VMA)
  /// At once, both on all: one of them finds entries that the other has emptied. The first then
  /// goes on through many tables without an entry, so that what it gathers is flushed late.
  kTwoSame,
};
inline constexpr std::array kLoads = {Load::kOneInitiator, Load::kTwoDisjoint, Load::kTwoSame};
std::string_view name(Load load);  ///< "1 initiator", "2, disjoint ranges", "2, the same ranges"
std::optional<Load> parse_load(std::string_view text);

/// A read that should not have been possible: of what.
enum class Observation : std::uint8_t {
  kReleased,     ///< a released frame: memory reached after it was given away
  kForeign,      ///< neither live nor released: another user's data
  kAfterReturn,  ///< any data, by a read begun after a call that covers the page had returned
};
inline constexpr std::array kObservations = {Observation::kReleased, Observation::kForeign,
                                             Observation::kAfterReturn};
/// "released frame", "foreign data", "read after return".
std::string_view name(Observation observation);
std::optional<Observation> parse_observation(std::string_view text);

/// One such read. Times are CLOCK_MONOTONIC in ns; 0: not known.
struct BadRead {
  Observation observation = Observation::kReleased;
  int cpu = 0;
  unsigned round = 0;
  std::uintptr_t address = 0;
  std::uint64_t seen_ns = 0;
  std::uint64_t returned_ns = 0;  ///< when the first call that covers it returned; 0: none had
  /// Of the frame's tag as seen; all 0 if the translation went while it was read.
  std::uint64_t frame = 0;
  std::uint64_t generation = 0;
  std::uint64_t cleared_ns = 0;
  std::uint64_t released_ns = 0;
};

/// One witness over all rounds of a cell.
struct WitnessCounts {
  int cpu = 0;
  std::uint64_t not_loaded = 0;   ///< rounds in which it had not read every page, live, in time
  std::uint64_t not_running = 0;  ///< rounds in which it read nothing while a call ran
};

/// Sums over the rounds of a cell.
struct CheckCounts {
  std::uint64_t rounds = 0;
  std::uint64_t witnessed = 0;       ///< rounds with every witness there, for all pages and calls
  std::uint64_t eligible_reads = 0;  ///< of all witnesses, in witnessed rounds
  std::array<std::uint64_t, kObservations.size()> reads{};  ///< by Observation, in all rounds
  /// Rounds with at least one such read.
  std::array<std::uint64_t, kObservations.size()> rounds_seen{};
  std::uint64_t stale_writes = 0;  ///< frames written to after their release; 0 without --write
  std::vector<WitnessCounts> witnesses;
  std::string not_run;  ///< why there was no round at all, or empty

  [[nodiscard]] std::uint64_t seen(Observation observation) const {
    return rounds_seen[static_cast<std::size_t>(observation)];
  }
};

/// One scheme under one load, sound or with a fault planted in it, and what was seen.
struct CheckedCell {
  std::string scheme;  ///< of engine lab, without its name
  Load load = Load::kOneInitiator;
  std::string fault;          ///< name of the planted fault; empty: none, the scheme is sound
  std::string fault_meaning;  ///< in a few words
  std::optional<Observation> sought;  ///< what the fault must show; set with a fault
  CheckCounts counts;
  std::vector<BadRead> bad_reads;  ///< the first few of each witness
  std::uint64_t first_catch = 0;   ///< round, from 1, that showed the fault; 0: none did
  double first_catch_seconds = 0;  ///< from the cell's first round to then

  [[nodiscard]] std::uint64_t nr_caught() const { return sought ? counts.seen(*sought) : 0; }
  /// Whether the fault was planted, and never showed what it must.
  [[nodiscard]] bool escaped() const {
    return sought && counts.not_run.empty() && nr_caught() == 0;
  }
};

/// What a check is made on, and with how much effort.
struct CheckSetting {
  Shape shape;
  std::vector<int> cpus;      ///< initiators first, the others witness
  double seconds = 0;         ///< per cell
  std::uint64_t rounds = 0;   ///< per cell instead, if not 0
  bool write = false;         ///< witnesses write, too
  std::string faulty_scheme;  ///< in which faults are planted
  std::size_t nr_cells = 0;   ///< to be checked, those with a fault included
};

}  // namespace tlblab
