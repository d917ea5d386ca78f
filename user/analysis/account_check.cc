// SPDX-License-Identifier: GPL-2.0-only
// Finds a term of the engine's account that is not what every operation must show.
#include "user/analysis/account_check.hh"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "user/analysis/deliveries.hh"

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

const char* requests_event(const ArmResult& arm) {
  for (const char* event : {"request.mm_range", "tlb_flush.local_mm"}) {
    if (arm.initiator_counts.contains(event)) return event;
  }
  return nullptr;
}

bool requests_agree(const ArmResult& arm, const Shootdown& shootdown) {
  const char* const event = requests_event(arm);
  if (event == nullptr || !arm.expected_requests) return true;
  const CountMean& seen = arm.initiator_counts.at(event);
  const std::uint64_t due = *arm.expected_requests;
  const bool some_unseen =
      shootdown.by_broadcast && event == std::string_view("tlb_flush.local_mm");
  return seen.max <= due && (some_unseen || seen.min == due);
}

std::optional<std::uint64_t> most_targets(const ArmResult& arm, unsigned nr_responders) {
  if (arm.engine_account.contains("dsb_ish")) return std::nullopt;
  const auto inside = arm.engine_account.find("requests");
  if (inside != arm.engine_account.end()) return inside->second.max * nr_responders;
  if (const char* const event = requests_event(arm); event != nullptr) {
    return arm.initiator_counts.at(event).max * nr_responders;
  }
  if (arm.expected_requests) return *arm.expected_requests * nr_responders;
  return std::nullopt;
}

bool within_targets(const ArmResult& arm, const std::string& event, unsigned nr_responders) {
  const auto handled = arm.responder_counts.find(event);
  const auto most = most_targets(arm, nr_responders);
  return handled == arm.responder_counts.end() || !most ||
         handled->second.mean <= static_cast<double>(*most);
}

std::string contradiction_outside(const CellResult& cell) {
  for (const auto& [letter, arm] : {std::pair{'A', &cell.a}, {'B', &cell.b}}) {
    if (!requests_agree(*arm, cell.shootdown)) {
      const CountMean& seen = arm->initiator_counts.at(requests_event(*arm));
      return fmt::format(
          "the account contradicts: {} ({}) made {} to {} flush requests where {} "
          "are due",
          arm->scheme, letter, seen.min, seen.max, *arm->expected_requests);
    }
    for (const char* event : {"csd_queue.flush", "TLB", "tlb_flush.remote"}) {
      if (within_targets(*arm, event, cell.plan.nr_responders)) continue;
      return fmt::format(
          "the account contradicts: under {} ({}) responders were told {:.4g} flushes "
          "per operation (event {}) where {} can have been asked for",
          arm->scheme, letter, arm->responder_counts.at(event).mean, event,
          *most_targets(*arm, cell.plan.nr_responders));
    }
    if (const std::string impossible = impossible_delivery(cell, *arm); !impossible.empty()) {
      return fmt::format("the account contradicts: under {} ({}), less than nothing is left for {}",
                         arm->scheme, letter, impossible);
    }
  }
  return "";
}

}  // namespace tlblab
