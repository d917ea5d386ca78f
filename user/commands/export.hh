// SPDX-License-Identifier: GPL-2.0-only
// `tlblab export`: what a study's result file holds, as CSV.
#pragma once

#include <string>

namespace tlblab {

enum class ExportTable {
  kTrials,      ///< a row for each trial of the timing pass
  kResponders,  ///< a row for each responder of each of these
  kCounts,      ///< a row for each event that a trial of the counting pass counted, and where
  kProbes,      ///< a row for each victim's walk in the probe pass
};

struct ExportOptions {
  std::string file;
  ExportTable table = ExportTable::kTrials;
};

/// To standard output, a line with the names of the columns first; set-apart trials, lead-ins too.
/// Returns an ExitStatus. Throws Error(kUsage) as records::read_study_file() does, and
/// Error(kMachine) when standard output takes no more.
int run_export(const ExportOptions& options);

}  // namespace tlblab
