// SPDX-License-Identifier: GPL-2.0-only
// The engine's own account of each operation, held against what it must be.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "user/analysis/analysis.hh"
#include "user/model/account.hh"
#include "user/model/plan.hh"

namespace tlblab {

/// Least and most of each term over the operations of one arm, blocks of the timing pass included.
class AccountCheck {
 public:
  /// Sums over `nr_operations`. Within a block, too many in one operation may hide too few in
  /// another; the counting pass gives each operation by itself.
  void add(const Account& sums, std::size_t nr_operations);

  /// "requests: 17 where 16 are due", of the first term that some operation has wrong; empty: none.
  [[nodiscard]] std::string miscount(const Account& expected) const;

 private:
  struct Seen {
    std::uint64_t least = 0;
    std::uint64_t most = 0;
  };
  std::map<std::string, Seen> seen_;
};

/// The two arms' miscounts as one sentence with the schemes' names; empty when both are.
std::string miscount_of(const CellPlan& plan, const std::string& a, const std::string& b);

/// The event that shows an arm's flush requests from outside: the probe, which sees them however
/// they are served, else the tracepoint. Null: none was counted.
const char* requests_event(const ArmResult& arm);

/// Whether the flush requests seen from outside are exactly those that are due, in every operation;
/// true where either is not known. A tracepoint sees none that the processor broadcasts.
bool requests_agree(const ArmResult& arm, const Shootdown& shootdown);

/// The most flushes that responders can be asked for in one operation: requests counted inside go
/// before requests seen from outside, and these before requests expected. Empty where that is not
/// known, or where the hardware tells all CPUs.
std::optional<std::uint64_t> most_targets(const ArmResult& arm, unsigned nr_responders);

/// Whether responders handled no more of `event` than operations have targets. On average: a
/// responder's CPU may be asked for a flush of somebody else's now and then.
bool within_targets(const ArmResult& arm, const std::string& event, unsigned nr_responders);

/// Counts seen from outside that contradict what is due, in a sentence; empty: none.
std::string contradiction_outside(const CellResult& cell);

}  // namespace tlblab
