// SPDX-License-Identifier: GPL-2.0-only
// Studies as people write them: TOML files, expanded on this machine into a plan.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "user/model/plan.hh"

namespace tlblab {

/// What the command line may override.
struct StudyOverrides {
  std::optional<std::uint64_t> seed;
  std::optional<unsigned> nr_sessions;
  std::optional<double> session_gap_s;  ///< else: as far apart as a claim needs, from 8 sessions on
  std::optional<double> min_seconds;
  std::optional<double> max_seconds;
  std::optional<double> width;        ///< wanted half-width of an interval, as a share
  std::optional<double> equivalence;  ///< what is declared not to matter, as a share
  /// Keep cells that this machine can't run: to look at a study without measuring.
  bool keep_unavailable = false;
};

/// A plan, and what the machine could not offer ("3 responders: only 1 other CPU"): shown to the
/// user, never silently dropped.
struct ExpandedStudy {
  StudyPlan plan;
  std::vector<std::string> notices;
};

/// NAME (NAME.toml in bench/studies beside the program, in its prefix's share/tlblab/studies, or in
/// bench/studies below the current folder) or a path.
/// Throws Error(kUsage) listing the studies that exist.
std::string find_study(const std::string& name_or_path);

/// Paths of all studies that find_study() knows by name, sorted.
std::vector<std::string> known_studies();

/// Reads and expands. `cpus`: initiator first. docs/studies.md describes the format. Throws
/// Error(kUsage) with line and column on bad TOML, an unknown key, a wrong type, or a bad value;
/// Error(kMachine) when this machine can run none of it.
ExpandedStudy load_study(const std::string& path, const std::vector<int>& cpus,
                         const StudyOverrides& overrides);

/// A plan of one cell for `ab` and `run`, with A/A controls of both on the same shape when `a` !=
/// `b`, and the twins of all where their times mean nothing alone.
StudyPlan plan_pair(const std::string& a, const std::string& b, const Shape& shape,
                    unsigned nr_responders, const std::vector<int>& cpus,
                    const StudyOverrides& overrides);

}  // namespace tlblab
