// SPDX-License-Identifier: GPL-2.0-only
// The engine's own account of each operation, held against what it must be.
#pragma once

#include <map>
#include <string>

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

}  // namespace tlblab
