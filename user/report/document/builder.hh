// SPDX-License-Identifier: GPL-2.0-only
// Makes a document of what was analysed.
#pragma once

#include <span>

#include "user/analysis/analysis.hh"
#include "user/analysis/check_analysis.hh"
#include "user/report/document/document.hh"

namespace tlblab::report {

/// A study's report. `checks` of the same schemes stand in it, too, after the answer's own
/// sections.
Document build_document(const StudyResult& study, std::span<const CheckResult> checks = {});

/// The report of a check alone.
Document build_document(const CheckResult& check);

}  // namespace tlblab::report
