// SPDX-License-Identifier: GPL-2.0-only
// Sums of accounts, of the terms that every operation has.
#include "user/model/account.hh"

namespace tlblab {

void AccountSum::add(const Account& account) {
  if (nr_added_++ == 0) {
    sums_ = account;
    return;
  }
  for (auto sum = sums_.begin(); sum != sums_.end();) {
    const auto term = account.find(sum->first);
    if (term == account.end()) {
      sum = sums_.erase(sum);
    } else {
      sum->second += term->second;
      ++sum;
    }
  }
}

}  // namespace tlblab
