// SPDX-License-Identifier: GPL-2.0-only
// Lines of the account, made from counts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "user/analysis/deliveries.hh"
#include "user/report/document/account.hh"

namespace tlblab::report {

inline constexpr const char* kUnknown = "unknown";

/// Null: unknown.
const CountMean* find_count(const CountMeans& counts, const char* event);

/// "16", or "15.98 (15 to 16)" when operations differed; "unknown".
std::string count_text(const CountMean* count);
std::string count_text(const std::optional<std::uint64_t>& value);

class AccountLines {
 public:
  explicit AccountLines(const CellResult& cell) : cell_(cell) {}

  [[nodiscard]] const CellResult& cell() const { return cell_; }
  AccountLine& add(AccountLine line) { return lines_.emplace_back(std::move(line)); }

  /// A count of one side.
  AccountLine& add_count(const char* label, CountMeans ArmResult::*side, const char* event,
                         const char* source);
  /// Likewise on responders, of which operations may not have more than targets.
  void add_bounded(const char* label, const char* event, const char* source);
  /// A sum of counts, which contradicts if it is less than nothing.
  void add_derived(const DerivedTerm& term);

  std::vector<AccountLine> take() { return std::move(lines_); }

 private:
  const CellResult& cell_;
  std::vector<AccountLine> lines_;
};

}  // namespace tlblab::report
