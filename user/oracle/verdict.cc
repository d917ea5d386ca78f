// SPDX-License-Identifier: GPL-2.0-only
// Sums and verdicts.
#include "user/oracle/verdict.hh"

#include <fmt/format.h>

#include <algorithm>

#include "user/statistics/bounds.hh"

namespace tlblab::oracle {
namespace {

/// Why nothing may be concluded from seeing nothing; empty when something may.
std::string why_inconclusive(const CellCounts& counts) {
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
std::uint64_t leak_rounds(const CellCounts& counts) {
  return std::max(counts.seen(Sight::kReleased), counts.seen(Sight::kForeign));
}

}  // namespace

void CellCounts::add(const std::vector<WitnessReport>& round) {
  ++rounds;
  witnesses.resize(round.size());
  bool all_there = true;
  std::uint64_t eligible = 0;
  std::array<bool, kNrSights> seen_now{};
  for (std::size_t i = 0; i < round.size(); ++i) {
    const WitnessReport& report = round[i];
    WitnessCounts& witness = witnesses[i];
    witness.cpu = report.cpu;
    if (!report.loaded) {
      ++witness.not_loaded;
    } else if (!report.ran) {
      ++witness.not_running;
    }
    all_there = all_there && report.loaded && report.ran;
    eligible += report.eligible_reads;
    for (std::size_t sight = 0; sight < kNrSights; ++sight) {
      reads[sight] += report.reads[sight];
      seen_now[sight] = seen_now[sight] || report.reads[sight] > 0;
    }
  }
  for (std::size_t sight = 0; sight < kNrSights; ++sight) rounds_seen[sight] += seen_now[sight];
  if (!all_there) return;
  ++witnessed;
  eligible_reads += eligible;
}

Verdict judge(const CellCounts& counts) {
  if (leak_rounds(counts) > 0) return {Word::kLeak, ""};
  if (counts.stale_writes > 0) return {Word::kStaleWrite, ""};
  if (counts.seen(Sight::kAfterReturn) > 0) return {Word::kReadAfterReturn, ""};
  std::string reason = why_inconclusive(counts);
  const Word word = reason.empty() ? Word::kNoneSeen : Word::kInconclusive;
  return {word, std::move(reason)};
}

bool is_violation(Word word) {
  return word == Word::kLeak || word == Word::kReadAfterReturn || word == Word::kStaleWrite;
}

std::string words(const Verdict& verdict, const CellCounts& counts) {
  switch (verdict.word) {
    case Word::kLeak:
      return in_rounds("LEAK", leak_rounds(counts), counts.rounds);
    case Word::kReadAfterReturn:
      return in_rounds("READ AFTER RETURN", counts.seen(Sight::kAfterReturn), counts.rounds);
    case Word::kStaleWrite:
      return fmt::format("STALE WRITE to {} frames", counts.stale_writes);
    case Word::kNoneSeen:
      return fmt::format("none seen in {} eligible reads", counts.eligible_reads);
    case Word::kInconclusive:
      return "inconclusive";
  }
  return "";
}

double round_bound_95(const CellCounts& counts) { return upper_bound_95(0, counts.witnessed); }

}  // namespace tlblab::oracle
