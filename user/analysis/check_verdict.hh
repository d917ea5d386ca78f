// SPDX-License-Identifier: GPL-2.0-only
// What may be said of a cell, from what its witnesses counted. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "user/model/check.hh"

namespace tlblab {

/// docs/correctness.md's words. "Stale until its sync point" comes with the schemes that allow it.
enum class Outcome : std::uint8_t {
  kLeak,             ///< a released frame was reached
  kReadAfterReturn,  ///< a strict call had returned, and its page was still readable
  kStaleWrite,       ///< a released frame was written to
  kNoneSeen,
  kInconclusive,
};

struct CheckVerdict {
  Outcome outcome = Outcome::kInconclusive;
  std::string reason;  ///< of kInconclusive; empty otherwise
};

/// Of a scheme with the strict release. What was seen counts in every round; that nothing was seen,
/// only in rounds in which every witness was there. Without any such round: inconclusive.
CheckVerdict judge(const CheckCounts& counts);

/// Whether something was seen that a sound scheme never shows.
bool is_violation(Outcome outcome);

/// "LEAK in 3 of 12 rounds", "none seen in 8123 eligible reads", "inconclusive".
std::string words(const CheckVerdict& verdict, const CheckCounts& counts);

/// With none seen: the rate per round that 95 % of such runs would have shown (Clopper-Pearson).
/// Rounds, not reads, are independent: a read sees what the one before it saw.
double round_bound_95(const CheckCounts& counts);

}  // namespace tlblab
