// SPDX-License-Identifier: GPL-2.0-only
// What an operation caused, as its engine counts it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace tlblab {

/// Terms of an engine's own account, by name. A term that the engine can't count is absent: unknown
/// is never zero.
using Account = std::map<std::string, std::uint64_t>;

/// Accounts of several operations, added up. A term that one of them lacks has no sum.
class AccountSum {
 public:
  void add(const Account& account);
  [[nodiscard]] const Account& sums() const { return sums_; }

 private:
  Account sums_;
  std::size_t nr_added_ = 0;
};

}  // namespace tlblab
