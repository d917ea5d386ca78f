// SPDX-License-Identifier: GPL-2.0-only
// One cell: rounds of one scheme under one load, run and witnessed until it is enough.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "user/model/check.hh"
#include "user/oracle/target.hh"

namespace tlblab::oracle {

/// CPUs of a cell.
struct CpuRoles {
  std::vector<int> initiators;
  std::vector<int> witnesses;
};

/// The first of `cpus` initiate, all others witness; empty when none would be left to witness.
std::optional<CpuRoles> roles_for(const std::vector<int>& cpus, Load load);

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

/// Checks one cell. `tick` is called between rounds. Throws Error(kMachine), and
/// Error(kInterrupted) after a signal.
CheckedCell check_cell(const TargetFactory& targets, const CheckCell& cell,
                       const std::vector<int>& cpus, const Effort& effort,
                       const std::function<void()>& tick);

}  // namespace tlblab::oracle
