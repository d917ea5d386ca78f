// SPDX-License-Identifier: GPL-2.0-only
// The checks: each scenario against its expected result, and the explorer against itself.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/explore/scenario.hh"

namespace tlblab::explore {

struct Outcome {
  bool passed = false;
  std::string verdict = {};         ///< one line
  std::string counterexample = {};  ///< of a violation; may be empty
  double states = 0;
  double steps = 0;
};

struct CheckOptions {
  u32 bound = 0;  ///< preemptions: raises the scenarios' own
};

struct Check {
  std::string name;
  std::string about;
  bool is_mutant = false;
  std::function<Outcome(const CheckOptions&)> run;
};

/// All of them, in the order in which they are shown.
std::vector<Check> all_checks();

/// The schedules of all counterexamples that a guest can replay, for tests/vm/replay_test.cc.
std::string all_schedules();

/// The explorer against itself: reduction, undo, determinism.
std::vector<Check> self_checks(const std::vector<Scenario>& scenarios);

}  // namespace tlblab::explore
