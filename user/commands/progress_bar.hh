// SPDX-License-Identifier: GPL-2.0-only
// Progress of a study on stderr: one line redrawn on a terminal, a line per cell elsewhere.
#pragma once

#include <cstddef>

#include "user/experiment/study_run.hh"

namespace tlblab {

class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(const StudyProgress& progress);

 private:
  bool terminal_;
  std::size_t width_ = 0;  ///< of the line on screen
  const CellPlan* told_ = nullptr;
  unsigned told_session_ = 0;
};

}  // namespace tlblab
