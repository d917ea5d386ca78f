// SPDX-License-Identifier: GPL-2.0-only
// The answer in one sentence.
#pragma once

#include <string>

#include "user/analysis/analysis.hh"

namespace tlblab::report {

/// The answer in one sentence: which is better, by how much, how sure, who pays, on what. A second
/// one names the trouble that was seen before the run, if there was any.
std::string answer_sentence(const StudyResult& study);

}  // namespace tlblab::report
