// SPDX-License-Identifier: GPL-2.0-only
// The commands, one function each. All return an ExitStatus as int; errors are thrown.
#pragma once

#include <string>
#include <vector>

#include "user/commands/options.hh"

namespace tlblab {

int run_list(bool as_json);

int run_run(const std::string& scheme, const ShapeOptions& shape, const MeasureOptions& options);
int run_ab(const std::string& a, const std::string& b, const ShapeOptions& shape,
           const MeasureOptions& options);
int run_study_command(const std::string& name_or_path, const MeasureOptions& options);

struct ReportOptions {
  std::vector<std::string> files;
  std::string output;  ///< folder, or empty: beside each result file
  /// Instead of writing files, at most one: print the mail form, the Markdown, OpenMetrics text, or
  /// a summary.
  bool mail = false;
  bool markdown = false;
  bool openmetrics = false;
  bool as_json = false;
};
int run_report(const ReportOptions& options);

struct SelftestOptions {
  std::vector<std::string> files;  ///< recordings; empty: records on this machine first
  unsigned nr_replays = 4000;
  std::uint64_t seed = 1;
  bool as_json = false;
};
int run_selftest(const SelftestOptions& options);

}  // namespace tlblab
