// SPDX-License-Identifier: GPL-2.0-only
// Rounds added up.
#include "user/oracle/witness.hh"

namespace tlblab::oracle {

void add_round(CheckCounts& counts, const std::vector<WitnessReport>& round) {
  ++counts.rounds;
  counts.witnesses.resize(round.size());
  bool all_there = true;
  std::uint64_t eligible = 0;
  std::array<bool, kObservations.size()> seen_now{};
  for (std::size_t i = 0; i < round.size(); ++i) {
    const WitnessReport& report = round[i];
    WitnessCounts& witness = counts.witnesses[i];
    witness.cpu = report.cpu;
    if (!report.loaded) {
      ++witness.not_loaded;
    } else if (!report.ran) {
      ++witness.not_running;
    }
    all_there = all_there && report.loaded && report.ran;
    eligible += report.eligible_reads;
    for (std::size_t observation = 0; observation < kObservations.size(); ++observation) {
      counts.reads[observation] += report.reads[observation];
      seen_now[observation] = seen_now[observation] || report.reads[observation] > 0;
    }
  }
  for (std::size_t observation = 0; observation < kObservations.size(); ++observation) {
    counts.rounds_seen[observation] += seen_now[observation];
  }
  if (!all_there) return;
  ++counts.witnessed;
  counts.eligible_reads += eligible;
}

}  // namespace tlblab::oracle
