// SPDX-License-Identifier: GPL-2.0-only
// Suites in which regimes come and go, within a session or from one to the next.
#pragma once

#include <vector>

#include "user/statistics/one_session.hh"

namespace tlblab::statistics {

/// Regimes of one length under sessions of one kind, and what is asked of them: shares of sessions.
/// Those at their default are not asked.
struct RegimeCase {
  double dwell_s = 0;
  StoppingRule rule;
  double factor = 1;                ///< by which A is truly slower
  double least_covered = 0;         ///< the bounds that the word is taken from hold the truth
  double most_covered = 1;          ///< likewise: what one session can't know must be seen
  double least_covered_series = 0;  ///< the interval from the batches, without their range, does
  double least_wandering = 0;
  double most_different = 1;
  double least_different = 0;
};
std::vector<CheckResult> run_regimes(SuiteRun run, const RegimeCase& spec, const std::string& name);

/// Eight sessions under one process of regimes that goes on through all of them.
struct SessionsCase {
  double dwell_s = 0;
  double gap_s = 0;  ///< between starts
  StoppingRule rule;
  double least_covered = 0;     ///< by the interval over the sessions
  double most_for_machine = 1;  ///< share that may speak for the machine
};
std::vector<CheckResult> run_eight(SuiteRun run, const SessionsCase& spec, const std::string& name);

/// Sessions in one regime each, or all in the same: found to be two clusters?
std::vector<CheckResult> run_clusters(SuiteRun run);

}  // namespace tlblab::statistics
