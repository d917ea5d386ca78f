// SPDX-License-Identifier: GPL-2.0-only
// What a reader who wants to reject the answer asks first: six lines that stand in every form.
#pragma once

#include <vector>

#include "user/analysis/analysis.hh"
#include "user/report/document/document.hh"

namespace tlblab::report {

/// Always the same six labels, in order: sessions, A/A controls, account, flush extent, left out,
/// machine. Of the headline cell; empty without one. A study that shows no time says so where a
/// line would speak of times.
std::vector<Fact> caveats(const StudyResult& study);

}  // namespace tlblab::report
