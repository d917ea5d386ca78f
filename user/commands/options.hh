// SPDX-License-Identifier: GPL-2.0-only
// What the measuring commands have in common on the command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "user/experiment/study_file.hh"
#include "user/topology/cpu_topology.hh"

namespace tlblab {

/// Options of `run`, `ab` and `study`.
struct MeasureOptions {
  std::string cpus;     ///< list, or empty: as `placement` has them
  Placement placement;  ///< of CPUs that are not named
  StudyOverrides overrides;
  std::string output;    ///< result file, or empty: a name of our own in kResultsFolder
  bool hold = false;     ///< perform for ever instead of measuring; of `run` only
  bool dry_run = false;  ///< show the plan, measure nothing
  bool as_json = false;
  std::vector<std::string> argv;  ///< as given, for the header
};

/// Options of `run` and `ab` only.
struct ShapeOptions {
  std::string shape = "16x1+1";
  std::string responders = "all";
};

}  // namespace tlblab
