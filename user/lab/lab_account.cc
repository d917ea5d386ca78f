// SPDX-License-Identifier: GPL-2.0-only
// Terms of the account, as the catalogue has them.
#include "user/lab/lab_account.hh"

#include "include/tlblab/catalogue.hh"

namespace tlblab {
namespace {

bool is_counted(const catalogue::Term& term, bool counts_barriers, std::uint32_t flags) {
  switch (term.counted) {
    case catalogue::Counted::kAlways:
      return true;
    case catalogue::Counted::kBarriers:
      return counts_barriers;
    case catalogue::Counted::kTimed:
      return (flags & TLBLAB_TIME_PHASES) != 0;
  }
  return false;
}

}  // namespace

Account account_of(const tlblab_account& account, bool counts_barriers, std::uint32_t flags) {
  Account terms;
  for (const catalogue::Term& term : catalogue::kTerms) {
    const std::uint64_t count = account.*term.field;
    if (count == TLBLAB_UNKNOWN || !is_counted(term, counts_barriers, flags)) continue;
    terms[term.name] = count;
  }
  return terms;
}

Account due_of(const tlblab_account& expected, bool counts_barriers) {
  Account terms = account_of(expected, counts_barriers, 0);
  for (const catalogue::Term& term : catalogue::kTerms) {
    if (!term.due) terms.erase(term.name);
  }
  return terms;
}

}  // namespace tlblab
