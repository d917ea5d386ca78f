// SPDX-License-Identifier: GPL-2.0-only
// Writes a trace as commit messages write races: numbered lines, one column for each CPU.
#pragma once

#include <string>

#include "tests/explore/scenario.hh"

namespace tlblab::explore {

struct Counterexample {
  std::string text;
  /// What in it QEMU's TCG cannot show, in a word or two; empty if a guest can replay it.
  std::string explorer_only;
};

/// `trace` ends in the violation.
Counterexample write_counterexample(Machine& machine, const Scenario& scenario, const Trace& trace,
                                    Violation violation);

}  // namespace tlblab::explore
