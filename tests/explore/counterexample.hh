// SPDX-License-Identifier: GPL-2.0-only
// Tells a trace the way commit messages tell races: numbered lines, one column for each CPU.
#pragma once

#include <string>

#include "tests/explore/scenario.hh"

namespace tlblab::explore {

struct Story {
  std::string text;
  /// What in it QEMU's TCG can't show, in a word or two; empty: a guest can.
  std::string explorer_only;
};

/// `trace` ends in the violation.
Story tell(Machine& machine, const Scenario& scenario, const Trace& trace, Violation violation);

}  // namespace tlblab::explore
