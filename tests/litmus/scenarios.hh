// SPDX-License-Identifier: GPL-2.0-only
// The litmus tests: what runs on which CPU, and what herd7 must answer.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/litmus/test.hh"

namespace tlblab::litmus {

/// herd7's words for an outcome.
enum class Verdict : bool {
  kNever,
  kSometimes,
};
const char* to_string(Verdict verdict);

struct Scenario {
  std::string name;
  Verdict expected = Verdict::kNever;
  /// Of a test that is "Sometimes": the one that is "Never", from which it differs in one thing.
  std::string spoils;
  std::string about;  ///< one line: what it is, or what is taken out
  std::string from;   ///< where the code, or the fault, and the expectation come from
  std::function<Test()> write;
};

/// In the order of the file. For each that is "Never", another one is broken in one thing.
std::vector<Scenario> scenarios();

}  // namespace tlblab::litmus
