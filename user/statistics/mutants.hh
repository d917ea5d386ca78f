// SPDX-License-Identifier: GPL-2.0-only
// Mutants: the production analysis with one plausible bug each. A self-test that does not notice a
// mutant would not notice the bug either.
#pragma once

#include <string>
#include <vector>

#include "user/statistics/replay.hh"

namespace tlblab::statistics {

struct Mutant {
  std::string name;  ///< "<piece>: <what it does wrong>"
  Method method;     ///< production but for that piece
};

std::vector<Mutant> mutants();

}  // namespace tlblab::statistics
