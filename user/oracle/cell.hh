// SPDX-License-Identifier: GPL-2.0-only
// One cell: rounds of one scheme under one load, played and witnessed until it is enough.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "user/oracle/ground.hh"
#include "user/oracle/verdict.hh"

namespace tlblab::oracle {

/// CPUs of a cell.
struct Cast {
  std::vector<int> initiators;
  std::vector<int> witnesses;
};

/// The first of `cpus` initiate, all others witness; empty when none would be left to witness.
std::optional<Cast> cast_for(const std::vector<int>& cpus, Load load);

/// How long a cell goes on.
struct Effort {
  double seconds = 1;        ///< time per cell
  std::uint64_t rounds = 0;  ///< exactly so many instead, whatever it takes; 0: by time
  bool write = false;        ///< witnesses write, too
};
/// Rounds with all witnesses there that a cell by time goes on for, as far as patience lasts.
inline constexpr std::uint64_t kLeastRounds = 3;

/// A cell without kLeastRounds rounds with all witnesses there goes on for so many seconds at most.
inline constexpr double kWitnessPatienceSeconds = 10;
/// A planted fault that was not caught gets so many times as much, and so many seconds at least,
/// before it counts as escaped.
inline constexpr unsigned kFaultPatience = 10;
inline constexpr double kFaultPatienceSeconds = 30;

struct CellRecord {
  CellPlan plan;
  CellCounts counts;
  std::vector<Finding> findings;   ///< the first few of each witness
  std::optional<Sight> sought;     ///< of a planted fault: what it must show
  std::uint64_t first_catch = 0;   ///< round, from 1, that showed it first; 0: none did
  double first_catch_seconds = 0;  ///< from the cell's first round to then

  [[nodiscard]] std::uint64_t nr_caught() const { return sought ? counts.seen(*sought) : 0; }
};

/// Plays a cell. `sought`: what the planted fault must show, nothing for a sound scheme. `tick` is
/// called between rounds. Throws Error(kMachine), and Error(kInterrupted) after a signal.
CellRecord play_cell(const Land& land, const CellPlan& plan, const std::vector<int>& cpus,
                     const Effort& effort, std::optional<Sight> sought,
                     const std::function<void()>& tick);

}  // namespace tlblab::oracle
