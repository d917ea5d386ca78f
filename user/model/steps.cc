// SPDX-License-Identifier: GPL-2.0-only
// Shuffles each session's cells, and spreads what single cells have beyond.
#include "user/model/steps.hh"

#include <random>

namespace tlblab {
namespace {

/// The study's cells in an order that depends on (seed, session) alone.
std::vector<StudyStep> shuffled_session(const StudyPlan& plan, unsigned session) {
  std::vector<StudyStep> steps;
  for (std::uint32_t cell = 0; cell < plan.cells.size(); ++cell) steps.push_back({session, cell});
  std::seed_seq seed{static_cast<std::uint32_t>(plan.seed),
                     static_cast<std::uint32_t>(plan.seed >> 32), session};
  std::mt19937_64 random(seed);
  // Fisher-Yates by hand: std::shuffle's order is the library's own affair.
  for (std::size_t i = steps.size(); i > 1; --i) std::swap(steps[i - 1], steps[random() % i]);
  return steps;
}

}  // namespace

std::vector<StudyStep> steps_of(const StudyPlan& plan) {
  std::vector<StudyStep> steps;
  for (unsigned session = 1; session <= plan.nr_sessions; ++session) {
    const std::vector<StudyStep> shuffled = shuffled_session(plan, session);
    steps.insert(steps.end(), shuffled.begin(), shuffled.end());
  }
  std::vector<StudyStep> extra;
  for (std::uint32_t cell = 0; cell < plan.cells.size(); ++cell) {
    for (unsigned session = plan.nr_sessions + 1; session <= plan.cells[cell].min_sessions;
         ++session) {
      extra.push_back({session, cell});
    }
  }
  const std::size_t nr_regular = steps.size();
  for (std::size_t i = extra.size(); i > 0; --i) {  // from the back: earlier places stay valid
    const std::size_t place = i * nr_regular / extra.size();
    steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(place), extra[i - 1]);
  }
  return steps;
}

}  // namespace tlblab
