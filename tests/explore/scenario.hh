// SPDX-License-Identifier: GPL-2.0-only
// A scenario: a machine, what runs on it, and what the search must find.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "tests/explore/machine.hh"
#include "tests/explore/search.hh"
#include "tests/explore/unmap_body.hh"

namespace tlblab::explore {

enum class Kind : u8 {
  kSound,   ///< no violation
  kFault,   ///< a planted fault: a violation
  kMutant,  ///< the core with a lock, a fence or a flush taken away below it: a violation
};

struct Scenario {
  std::string name;
  Kind kind = Kind::kSound;
  Config config;
  std::vector<Machine::Body> bodies;      ///< the code on CPU 0, 1 and so on
  Violation expected = Violation::kNone;  ///< the violation that must be found
  std::string about;                      ///< a line: what it is, and from which thread
  std::array<const char*, 4> words = {};  ///< names of the protocol's words
  /// The module's request for each body. Empty: the module cannot do the same.
  std::vector<Unmap> requests = {};
  /// Preemptions that a sound scenario is explored up to; kAllPreemptions: everything.
  u32 bound = kAllPreemptions;
};

std::vector<Scenario> gather_scenarios();
std::vector<Scenario> fault_scenarios();
std::vector<Scenario> protocol_scenarios();
std::vector<Scenario> mutant_scenarios();
std::vector<Scenario> broadcast_scenarios();
std::vector<Scenario> safety_scenarios();

}  // namespace tlblab::explore
