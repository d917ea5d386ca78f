// SPDX-License-Identifier: GPL-2.0-only
// What early files leave out. Those files will not change any more, so neither does this, whatever
// becomes of the engines.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "user/model/expectation.hh"
#include "user/model/machine.hh"
#include "user/model/plan.hh"
#include "user/model/trial.hh"

namespace tlblab::records {

/// Summaries of the plan's schemes as they were called then.
std::map<std::string, std::string> early_summaries(const StudyPlan& plan);

/// What the schemes of a cell were expected to cause on that machine, of engine syscall: the only
/// one whose files may lack it. Of another scheme the note says that it is not known.
std::array<Expectation, 2> early_expectations(const CellPlan& plan, const Machine& machine);

/// A block was 16 quads of ABBA or BAAB, trial by trial.
inline constexpr std::size_t kTrialsPerEarlyBlock = 64;

/// Makes lead-ins of a block's trials that do not follow one of their own arm: what the other arm
/// left behind is timed in their windows.
void mark_lead_ins(std::span<Trial> block);

}  // namespace tlblab::records
