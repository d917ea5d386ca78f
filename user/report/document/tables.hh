// SPDX-License-Identifier: GPL-2.0-only
// The tables of a report, from the analysed study. Each number's text comes from format.hh.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "user/analysis/analysis.hh"
#include "user/report/document/document.hh"

namespace tlblab::report {

/// Names as this study shows them: the engine is left out when all schemes share one.
class Labels {
 public:
  explicit Labels(const StudyResult& study);
  [[nodiscard]] std::string scheme(const std::string& full_name) const;
  /// "munmap:per-vma (A) against munmap:merged (B)", or "... against itself" for a control.
  [[nodiscard]] std::string pair(const CellResult& cell) const;
  /// "16x4+1 R1"
  static std::string cell(const CellPlan& plan);

 private:
  std::string engine_;  ///< shared prefix with its slash, or empty
};

/// Trials of an arm that were set apart, for whatever reason.
std::size_t nr_apart(const ArmResult& arm);

/// The word of a verdict, and who is faster where they differ: "different: B faster".
TextCell verdict_cell(const CellResult& cell);

/// Interrupts handled on responders per operation of one arm; empty when nothing counted them.
std::optional<double> interrupts_of(const CellResult& cell, const ArmResult& arm);

/// What account() comes to, in words: "adds up", "unknown", or "contradiction: <term>".
TextCell account_verdict(const CellResult& cell);

/// What responders cost the caller per interrupt avoided, "at most" where it is an upper bound; and
/// what it was found without, in words. The cell has such a price.
std::string price_text(const CellResult& cell);
std::string basis_text(const CellResult& cell);

/// "16 / 79, differ, B past the ceiling of 33": pages of one request of A and of B.
std::string extent_note(const StudyResult& study, const CellResult& cell);

/// One table per pair of schemes. Compare cells that show time only; see controls_table for those
/// of a scheme against itself. Where cells have twins, with the twin's ratio and "agree?".
std::vector<Table> cells_tables(const StudyResult& study, const Labels& labels);
Table controls_table(const StudyResult& study, const Labels& labels);
Table sessions_table(const CellResult& cell);
Table quantiles_table(const CellResult& cell, const Labels& labels);
Table who_pays_table(const CellResult& cell, const Labels& labels);
Table who_pays_everywhere(const StudyResult& study, const Labels& labels);
Table account_table(const CellResult& cell);
/// A row for each scheme, shape and number of responders whose engine looked inside: requests
/// expected, counted inside, seen outside, and what came of them on the other CPUs.
Table inside_table(const StudyResult& study, const Labels& labels);
/// Where the engine's time went by its own clock, and how often it offered to yield the CPU: a row
/// for each arm of these cells that was timed inside. No row: none was.
Table phases_table(const std::vector<const CellResult*>& cells, const Labels& labels);
/// Expected requests, interrupts and every term of the account, per cell: the table of an emulated
/// study, and a detail of the others.
std::vector<Table> counts_tables(const StudyResult& study, const Labels& labels);
Table perturbation_table(const StudyResult& study, const Labels& labels);
Table apart_table(const StudyResult& study, const Labels& labels);
std::vector<Table> machine_tables(const RunDescription& run);
Table missing_counters_table(const StudyResult& study);

}  // namespace tlblab::report
