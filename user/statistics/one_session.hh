// SPDX-License-Identifier: GPL-2.0-only
// Suites in which each session stands for itself: what is planted is an effect of one arm.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "user/statistics/replayer.hh"
#include "user/statistics/suites.hh"

namespace tlblab::statistics {

/// What a suite is run with.
struct SuiteRun {
  Replayer replayer;
  const Method& method;
  std::size_t nr_sessions;
  const Suite::Tick& tick;

  /// Calls `session(i)` for each session, and the tick now and then.
  void for_each(const std::function<void(std::size_t)>& session) const;
};

/// Nothing differs. A session is as short as the stopping allows.
std::vector<CheckResult> run_aa(SuiteRun run, const StoppingRule& rule, const std::string& name,
                                const std::string& what);
/// A takes 5 % longer.
std::vector<CheckResult> run_planted(SuiteRun run);
/// Each A leaves a fifth of its time to the next trial, whichever arm that is.
std::vector<CheckResult> run_carry_over(SuiteRun run);
/// A takes ten times as long in a quarter of its calls.
std::vector<CheckResult> run_heavy_tail(SuiteRun run);
/// A takes three times as long in a quarter of its calls, and those are set apart.
std::vector<CheckResult> run_apart_in_one_arm(SuiteRun run);
/// A tenth of all trials is set apart, whatever their arm.
std::vector<CheckResult> run_apart_in_both(SuiteRun run);
/// A takes ten times as long and is met ten times as often by what sets trials apart.
std::vector<CheckResult> run_apart_by_length(SuiteRun run);
/// The tool favours B by 4 %, in the cell and in its A/A control; nothing differs.
std::vector<CheckResult> run_biased_control(SuiteRun run);

/// The width that production sessions typically have after `seconds`. Asking for it makes sessions
/// stop at different looks, so that stopping on a width that is small by luck would show.
double contested_width(Replayer replayer, double seconds);

}  // namespace tlblab::statistics
