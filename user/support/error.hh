// SPDX-License-Identifier: GPL-2.0-only
// The one error type of the driver: what went wrong and what to do instead, with its exit status.
#pragma once

#include <stdexcept>
#include <string>

namespace tlblab {

/// Exit status of every command. `ab`, `run` and `check` end with the verdict's; the others with
/// kOk or a trouble. docs/methods.md lists them for users; keep the two in step.
enum class ExitStatus : int {
  kOk = 0,             ///< done; for `ab`: equivalent within the stated bound
  kDifferent = 1,      ///< `ab`: A and B differ
  kViolation = 1,      ///< `check`: a sound scheme let a freed page be reached
  kUsage = 2,          ///< bad arguments, a bad study or result file
  kInconclusive = 3,   ///< `ab`: neither different nor equivalent; `check`: witnesses not there
  kVoid = 5,           ///< a control failed, a fault escaped, or responders did not run: no claim
  kMachine = 6,        ///< this machine cannot do what was asked (or `doctor` found trouble)
  kInterrupted = 130,  ///< SIGINT or SIGTERM; what was measured is on disk and can be resumed
};

/// Thrown for anything a user can act on. what() says what happened; advice() what to do instead,
/// one or two full sentences, never empty. Caught once, in main.
class Error : public std::runtime_error {
 public:
  Error(ExitStatus status, const std::string& what, std::string advice)
      : std::runtime_error(what), status_(status), advice_(std::move(advice)) {}

  [[nodiscard]] ExitStatus status() const { return status_; }
  [[nodiscard]] const std::string& advice() const { return advice_; }

 private:
  ExitStatus status_;
  std::string advice_;
};

}  // namespace tlblab
