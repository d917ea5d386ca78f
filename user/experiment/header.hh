// SPDX-License-Identifier: GPL-2.0-only
// The header of a result file: everything that names the machine and the run.
#pragma once

#include <string>
#include <vector>

#include "user/experiment/study_run.hh"
#include "user/records/header.hh"

namespace tlblab {

/// What every header says. Describes the machine afresh.
records::RunHeader describe_run(const RunOrigin& origin);

/// A study's header record as one line of JSON. Probes the counters. Throws Error(kUsage) when the
/// plan names a scheme that there isn't.
std::string make_header(const StudyPlan& plan, const RunOrigin& origin);

/// Why a run of `plan` here can't go on in a file with this header; empty when it can. A seed that
/// was drawn is no reason.
std::string why_not_resumable(const records::StudyHeader& header, const StudyPlan& plan);

/// `git describe` of the tree this program was built from, and its release.
std::string git_revision();
std::string tool_version();

}  // namespace tlblab
