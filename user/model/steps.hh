// SPDX-License-Identifier: GPL-2.0-only
// The steps of a study, in order.
#pragma once

#include <cstdint>
#include <vector>

#include "user/model/plan.hh"

namespace tlblab {

/// One step of the work: a cell in a session.
struct StudyStep {
  unsigned session = 1;
  std::uint32_t cell_index = 0;
};

/// All steps in the order they are taken: session by session, so that the sessions of a cell lie
/// apart in time, the cells of each in an order shuffled by the seed. Sessions that one cell has
/// beyond the study's (min_sessions) are spread evenly over the whole.
std::vector<StudyStep> steps_of(const StudyPlan& plan);

}  // namespace tlblab
