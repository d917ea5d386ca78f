// SPDX-License-Identifier: GPL-2.0-only
// Verdicts.
#include "user/analysis/check_verdict.hh"

#include <fmt/format.h>

#include <algorithm>

#include "user/statistics/bounds.hh"

namespace tlblab {
namespace {

/// Why nothing may be concluded from seeing nothing; empty when something may.
std::string why_inconclusive(const CheckCounts& counts) {
  if (!counts.not_run.empty()) return counts.not_run;
  if (counts.rounds == 0) return "no round was made";
  if (counts.witnesses.empty()) return "there was no witness";
  if (counts.eligible_reads > 0) return "";
  for (const WitnessCounts& witness : counts.witnesses) {
    if (witness.not_loaded == counts.rounds) {
      return fmt::format("the witness on CPU {} had not read every page in {} of {} rounds",
                         witness.cpu, witness.not_loaded, counts.rounds);
    }
    if (witness.not_loaded + witness.not_running == counts.rounds) {
      return fmt::format("the witness on CPU {} read nothing while a call ran in {} of {} rounds",
                         witness.cpu, counts.rounds, counts.rounds);
    }
  }
  return fmt::format("one witness or another was not there in {} of {} rounds",
                     counts.rounds - counts.witnessed, counts.rounds);
}

std::string in_rounds(std::string_view what, std::uint64_t seen, std::uint64_t rounds) {
  return fmt::format("{} in {} of {} rounds", what, seen, rounds);
}

/// Rounds that showed a frame in other hands. A round may show both kinds.
std::uint64_t leak_rounds(const CheckCounts& counts) {
  return std::max(counts.seen(Observation::kReleased), counts.seen(Observation::kForeign));
}

}  // namespace

CheckVerdict judge(const CheckCounts& counts) {
  if (leak_rounds(counts) > 0) return {Outcome::kLeak, ""};
  if (counts.stale_writes > 0) return {Outcome::kStaleWrite, ""};
  if (counts.seen(Observation::kAfterReturn) > 0) return {Outcome::kReadAfterReturn, ""};
  std::string reason = why_inconclusive(counts);
  const Outcome outcome = reason.empty() ? Outcome::kNoneSeen : Outcome::kInconclusive;
  return {outcome, std::move(reason)};
}

bool is_violation(Outcome outcome) {
  return outcome == Outcome::kLeak || outcome == Outcome::kReadAfterReturn ||
         outcome == Outcome::kStaleWrite;
}

std::string words(const CheckVerdict& verdict, const CheckCounts& counts) {
  switch (verdict.outcome) {
    case Outcome::kLeak:
      return in_rounds("LEAK", leak_rounds(counts), counts.rounds);
    case Outcome::kReadAfterReturn:
      return in_rounds("READ AFTER RETURN", counts.seen(Observation::kAfterReturn), counts.rounds);
    case Outcome::kStaleWrite:
      return fmt::format("STALE WRITE to {} frames", counts.stale_writes);
    case Outcome::kNoneSeen:
      return fmt::format("none seen in {} eligible reads", counts.eligible_reads);
    case Outcome::kInconclusive:
      return "inconclusive";
  }
  return "";
}

double round_bound_95(const CheckCounts& counts) {
  return statistics::upper_bound_95(0, counts.witnessed);
}

}  // namespace tlblab
