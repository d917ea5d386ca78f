// SPDX-License-Identifier: GPL-2.0-only
// Times that mean nothing alone get the cell beside which they do.
#pragma once

#include "user/model/plan.hh"

namespace tlblab {

/// For each cell with a scheme of an engine whose times don't stand alone: marks it, and adds
/// (once) the cell of its schemes' twins, with the same shape and responders. Where a scheme has no
/// twin the cell's times could never be shown, so it becomes one of counts only.
void add_twins(StudyPlan& plan);

}  // namespace tlblab
