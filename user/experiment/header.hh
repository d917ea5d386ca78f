// SPDX-License-Identifier: GPL-2.0-only
// The header of a result file: everything that names the machine and the run.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "user/experiment/study_run.hh"

namespace tlblab {

/// The header record as one line of JSON. Describes the machine afresh; `counters` are probed.
std::string make_header(const StudyPlan& plan, const RunOrigin& origin);

/// Why a run of `plan` here can't go on in a file with this header; empty when it can.
std::string why_not_resumable(const nlohmann::json& header, const StudyPlan& plan);

/// `git describe` of the tree this program was built from, and its release.
std::string git_revision();
std::string tool_version();

}  // namespace tlblab
