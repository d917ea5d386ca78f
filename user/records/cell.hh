// SPDX-License-Identifier: GPL-2.0-only
// The records around a cell in a session: "cell" when a process begins or resumes it, "cell_end".
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "user/model/expectation.hh"
#include "user/records/trial.hh"

namespace tlblab::records {

struct CellBegin {
  TrialPlace place;
  int pid = 0;
  std::uint32_t first_block = 0;
  std::int64_t realtime_ns = 0;  ///< CLOCK_REALTIME of now
  std::uint64_t clock_overhead_ns = 0;
  std::vector<std::uint64_t> gap_thresholds_ns;
  int warm_up_trials = 0;
  int nice = 0;                       ///< of all measuring threads
  std::optional<int> autogroup_nice;  ///< of their session; absent without autogroups
  /// What the engine expects of each arm; absent in early files.
  std::optional<std::array<Expectation, 2>> expected;
};

std::string encode(const CellBegin& begin);
/// Only what a reader needs: place, realtime_ns and expected. Throws a std::exception.
CellBegin decode_cell_begin(const nlohmann::json& record);

struct CellEnd {
  TrialPlace place;
  std::string reason;  ///< "width", "time", or "counts"
};

std::string encode(const CellEnd& end);
CellEnd decode_cell_end(const nlohmann::json& record);

/// The fields "cell" and "session", which every record but a trial has.
void put_place(nlohmann::json& record, const TrialPlace& place);
TrialPlace place_of(const nlohmann::json& record);

}  // namespace tlblab::records
