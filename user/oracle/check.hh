// SPDX-License-Identifier: GPL-2.0-only
// The whole check: first every planted fault must be caught, then every sound scheme is watched.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "user/oracle/cell.hh"
#include "user/support/error.hh"

namespace tlblab::oracle {

/// A way to be wrong that the module can take on purpose, and what it must show.
struct PlantedFault {
  std::uint32_t fault;  ///< enum tlblab_fault
  std::string_view name;
  std::string_view meaning;
  Sight shows;
  bool needs_same_ranges;  ///< shows under Load::kTwoSame only
};
std::span<const PlantedFault> planted_faults();
/// The fault of that number. It must be one of planted_faults().
const PlantedFault& planted_fault(std::uint32_t fault);

/// The scheme in which faults are planted: it owes the most, for the longest.
LabComposition faulty_scheme();

/// Every row of the module's table with each extent that it has; where flushes are broadcast, with
/// each way to complete them. In the order of the table.
std::vector<LabComposition> sound_schemes(bool broadcast);

struct CheckPlan {
  std::vector<LabComposition> schemes;
  std::vector<int> cpus;  ///< initiators first
  Effort effort;
  /// Label faults and don't plant them, to show that the run is then void. For tests.
  bool defuse_faults = false;
};

struct CheckRecord {
  std::vector<CellRecord> faults;  ///< fault by fault, each under the loads where it can show
  std::vector<CellRecord> cells;   ///< scheme by scheme, each under every load; none if void
};

/// A fault cell that was played and never showed what it must.
bool escaped(const CellRecord& cell);
/// Whether a fault escaped: then nothing may be concluded.
bool is_void(const CheckRecord& record);
/// kOk, kViolation, kInconclusive or kVoid: void before violation before inconclusive.
ExitStatus exit_status(const CheckRecord& record);

/// Rates at which faults that show as `sight` does were caught under `load`: the lowest, or nothing
/// if there was none. The yardstick for a cell where nothing was seen.
const CellRecord* hardest_fault(const CheckRecord& record, Load load, Sight sight);

struct CheckProgress {
  std::size_t done = 0;  ///< cells
  std::size_t total = 0;
  std::string what;  ///< the cell that is being played
};

/// Plays everything. Ends at the first fault that escapes. Throws as play_cell() does.
CheckRecord run_check(const Land& land, const CheckPlan& plan,
                      const std::function<void(const CheckProgress&)>& progress);

}  // namespace tlblab::oracle
