// SPDX-License-Identifier: GPL-2.0-only
// Writes the files of a report.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "user/analysis/analysis.hh"
#include "user/analysis/check_analysis.hh"
#include "user/support/error.hh"

namespace tlblab::report {

struct WrittenFiles {
  std::string html;  ///< empty: see no_page
  std::string markdown;
  std::string figure;     ///< the main figure as SVG on a light ground, for a README; may be empty
  std::string benchmark;  ///< Google Benchmark's JSON
  /// Why there is no page and no figure, which need gnuplot. The other files were written.
  std::optional<Error> no_page;
};

/// Writes NAME.html, .md, .svg and .benchmark.json, NAME being the result file's name without
/// its ending, into `folder` (empty: beside the result file). Each file appears whole or not at
/// all. Throws Error(kMachine).
WrittenFiles write_report(const StudyResult& study, std::span<const CheckResult> checks,
                          const std::string& result_path, const std::string& folder);
/// The same of a check alone: NAME.html and NAME.md.
WrittenFiles write_report(const CheckResult& check, const std::string& result_path,
                          const std::string& folder);

}  // namespace tlblab::report
