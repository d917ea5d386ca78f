// SPDX-License-Identifier: GPL-2.0-only
// Conclusions of a check.
#include "user/analysis/check_analysis.hh"

#include <fmt/format.h>

#include <algorithm>

namespace tlblab {

CheckResult analyse_check(const records::CheckFile& file) {
  CheckResult check{describe(file.header), file.header.setting, {}, {}};
  for (const CheckedCell& cell : file.cells) {
    (cell.sought ? check.faults : check.cells).push_back(cell);
  }
  check.warnings.insert(check.warnings.end(), file.warnings.begin(), file.warnings.end());
  if (!is_complete(check)) {
    check.warnings.push_back(fmt::format("the check is unfinished: {} of {} cells were checked",
                                         file.cells.size(), check.setting.nr_cells));
  }
  return check;
}

CheckResult analyse_check_file(const std::string& path) {
  return analyse_check(records::read_check_file(path));
}

bool is_void(const CheckResult& check) {
  return std::any_of(check.faults.begin(), check.faults.end(),
                     [](const CheckedCell& cell) { return cell.escaped(); });
}

bool is_complete(const CheckResult& check) {
  return is_void(check) || check.faults.size() + check.cells.size() >= check.setting.nr_cells;
}

ExitStatus exit_status(const CheckResult& check) {
  if (is_void(check)) return ExitStatus::kVoid;
  ExitStatus status = is_complete(check) ? ExitStatus::kOk : ExitStatus::kInconclusive;
  for (const CheckedCell& cell : check.cells) {
    const Outcome outcome = judge(cell.counts).outcome;
    if (is_violation(outcome)) return ExitStatus::kViolation;
    if (outcome == Outcome::kInconclusive) status = ExitStatus::kInconclusive;
  }
  return status;
}

const CheckedCell* hardest_fault(const CheckResult& check, Load load, Observation observation) {
  const CheckedCell* hardest = nullptr;
  const auto rate = [](const CheckedCell& cell) {
    return static_cast<double>(cell.nr_caught()) / static_cast<double>(cell.counts.rounds);
  };
  for (const CheckedCell& cell : check.faults) {
    if (cell.load != load || cell.sought != observation || cell.counts.rounds == 0) continue;
    if (hardest == nullptr || rate(cell) < rate(*hardest)) hardest = &cell;
  }
  return hardest;
}

}  // namespace tlblab
