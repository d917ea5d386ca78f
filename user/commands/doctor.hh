// SPDX-License-Identifier: GPL-2.0-only
// `tlblab doctor`: what would disturb a run on this machine now.
#pragma once

#include <vector>

namespace tlblab {

struct DoctorOptions {
  bool as_json = false;
  std::vector<int> cpus;  ///< the initiator's first; empty: all that are allowed, by placement
  double seconds = 1;     ///< how long to look
};

/// Prints what was found. Returns kMachine when there is trouble, else kOk, warnings or not. Throws
/// Error(kInterrupted) when a signal came.
int run_doctor(const DoctorOptions& options);

}  // namespace tlblab
