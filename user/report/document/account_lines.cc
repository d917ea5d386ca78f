// SPDX-License-Identifier: GPL-2.0-only
// Counts and sums of counts as text.
#include "user/report/document/account_lines.hh"

#include <fmt/format.h>

#include <cmath>

#include "user/analysis/account_check.hh"
#include "user/report/document/format.hh"

namespace tlblab::report {

const CountMean* find_count(const CountMeans& counts, const char* event) {
  const auto at = counts.find(event);
  return at == counts.end() ? nullptr : &at->second;
}

std::string count_text(const CountMean* count) {
  if (count == nullptr) return kUnknown;
  if (count->min == count->max) return report::count(count->min);
  return fmt::format("{} ({} to {})", significant(count->mean), count->min, count->max);
}

std::string count_text(const std::optional<std::uint64_t>& value) {
  return value ? report::count(*value) : kUnknown;
}

AccountLine& AccountLines::add_count(const char* label, CountMeans ArmResult::*side,
                                     const char* event, const char* source) {
  return add({label, count_text(find_count(cell_.a.*side, event)),
              count_text(find_count(cell_.b.*side, event)), source});
}

void AccountLines::add_bounded(const char* label, const char* event, const char* source) {
  const auto within = [&](const ArmResult& arm) {
    return within_targets(arm, event, cell_.plan.nr_responders);
  };
  add_count(label, &ArmResult::responder_counts, event, source).agrees =
      within(cell_.a) && within(cell_.b);
}

void AccountLines::add_derived(const DerivedTerm& term) {
  AccountLine& line = add({term.label, kUnknown, kUnknown, term.source});
  for (const auto& [arm, shown] : {std::pair{&cell_.a, &line.a}, {&cell_.b, &line.b}}) {
    const std::optional<Derived> derived = derive(*arm, term);
    if (!derived) continue;
    const bool whole = derived->mean >= 0 && derived->mean == std::floor(derived->mean);
    *shown = whole ? report::count(static_cast<std::uint64_t>(derived->mean))
                   : significant(derived->mean);
    line.agrees &= !derived->impossible;
  }
}

}  // namespace tlblab::report
