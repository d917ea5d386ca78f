// SPDX-License-Identifier: GPL-2.0-only
// The account of flushes: what was asked, sent and handled, by which source.
#pragma once

#include <string>
#include <vector>

#include "user/analysis/analysis.hh"

namespace tlblab::report {

/// A line of the account per request and target CPU (docs/methods.md): one term, what A and B show.
struct AccountLine {
  std::string term;  ///< "requests", "bound on targets", "sent", "handled (interrupts)", ...
  std::string a;     ///< a number as text, or "unknown"
  std::string b;
  std::string source;  ///< what measured it, or what would be needed
  bool agrees = true;  ///< false: contradicts the line it must match; shown loudly
};
std::vector<AccountLine> account(const CellResult& cell);

}  // namespace tlblab::report
