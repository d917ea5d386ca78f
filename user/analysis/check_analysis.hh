// SPDX-License-Identifier: GPL-2.0-only
// From the cells of a check to what may be concluded.
#pragma once

#include <string>
#include <vector>

#include "user/analysis/check_verdict.hh"
#include "user/analysis/run_description.hh"
#include "user/model/check.hh"
#include "user/records/check_file.hh"
#include "user/support/error.hh"

namespace tlblab {

struct CheckResult : RunDescription {
  CheckSetting setting;
  std::vector<CheckedCell> faults;  ///< fault by fault
  std::vector<CheckedCell> cells;   ///< scheme by scheme; none if void
};

CheckResult analyse_check(const records::CheckFile& file);
/// Reads and analyses one file of a check (plain or .gz). Throws as records::read_check_file().
CheckResult analyse_check_file(const std::string& path);

/// Whether a fault escaped: then nothing may be concluded.
bool is_void(const CheckResult& check);
/// Whether it went on to its end. One that is void ends where it became so.
bool is_complete(const CheckResult& check);
/// kOk, kViolation, kInconclusive or kVoid: void before violation before inconclusive. A check that
/// was cut short is inconclusive at best.
ExitStatus exit_status(const CheckResult& check);

/// The fault that shows as `observation` does and was caught in the smallest part of its rounds
/// under `load`, or null if there was none. The yardstick for a cell where nothing was seen.
const CheckedCell* hardest_fault(const CheckResult& check, Load load, Observation observation);

}  // namespace tlblab
