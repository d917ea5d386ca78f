// SPDX-License-Identifier: GPL-2.0-only
// `tlblab check`: can a freed page still be reached, under any scheme? Plants faults first, to
// prove that it would see.
#pragma once

#include <string>
#include <vector>

namespace tlblab {

struct CheckOptions {
  std::string shape = "6x2+1";
  double seconds = 1;                ///< per cell
  unsigned rounds = 0;               ///< per cell instead of seconds; 0: by time
  bool quick = false;                ///< kQuickSeconds per cell
  bool write = false;                ///< witnesses write, too
  std::vector<std::string> schemes;  ///< of engine lab; empty: all
  std::string cpus;                  ///< list, or empty: placement_order()
  std::string output;                ///< result file, or empty: a name of our own
  bool as_json = false;
  std::vector<std::string> argv;  ///< as given, for the header
  bool defuse_faults = false;     ///< see oracle::CheckPlan; for tests
};

inline constexpr double kQuickSeconds = 0.2;

/// Leaves a result file, and prints what it comes to. Returns exit_status(), as int. Throws Error.
int run_check_command(const CheckOptions& options);

}  // namespace tlblab
