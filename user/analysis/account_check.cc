// SPDX-License-Identifier: GPL-2.0-only
// Finds a term of the engine's account that is not what every operation must show.
#include "user/analysis/account_check.hh"

#include <fmt/format.h>

#include <algorithm>

namespace tlblab {

void AccountCheck::add(const Account& sums, std::size_t nr_operations) {
  for (const auto& [term, sum] : sums) {
    // A block's sum that is not a multiple shows two different counts: its mean lies between them.
    const std::uint64_t low = sum / nr_operations;
    const std::uint64_t high = low + (sum % nr_operations != 0 ? 1 : 0);
    Seen& seen = seen_.try_emplace(term, Seen{low, high}).first->second;
    seen.least = std::min(seen.least, low);
    seen.most = std::max(seen.most, high);
  }
}

std::string AccountCheck::miscount(const Account& expected) const {
  if (seen_.empty()) return "";  // an engine that can't look inside contradicts nothing
  for (const auto& [term, due] : expected) {
    const auto found = seen_.find(term);
    if (found == seen_.end()) return fmt::format("{}: not counted, where {} are due", term, due);
    const Seen& seen = found->second;
    if (seen.least == due && seen.most == due) continue;
    const std::string what = seen.least == seen.most
                                 ? fmt::format("{}", seen.least)
                                 : fmt::format("{} to {}", seen.least, seen.most);
    return fmt::format("{}: {} where {} are due", term, what, due);
  }
  return "";
}

std::string miscount_of(const CellPlan& plan, const std::string& a, const std::string& b) {
  std::string text;
  if (!a.empty()) text = fmt::format("{} (A) counted {}", plan.a, a);
  if (!b.empty()) text += fmt::format("{}{} (B) counted {}", a.empty() ? "" : "; ", plan.b, b);
  return text.empty() ? "" : "the engine's own account contradicts what is due: " + text;
}

}  // namespace tlblab
