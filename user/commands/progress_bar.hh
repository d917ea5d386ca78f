// SPDX-License-Identifier: GPL-2.0-only
// Progress of a study on stderr: one line redrawn on a terminal, a line per cell elsewhere.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "user/experiment/study_run.hh"

namespace tlblab {

struct StepProgress {
  std::size_t done = 0;
  std::size_t total = 0;
  double elapsed_s = 0;
  std::string what;  ///< the step that is being made
};

/// The line for a terminal of `width` columns: a bar and the text, at most one column less, because
/// in the last one some terminals wrap. The bar gives way first, then the end of the text.
std::string progress_line(double part, std::string_view text, std::size_t width);

class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(const StudyProgress& progress);
  /// For commands without a study: work in steps of equal length, of which `done` are done.
  void show(const StepProgress& progress);

 private:
  void show_wait(const StudyProgress& progress);
  void draw(double part, const std::string& text);

  bool terminal_;
  std::size_t width_ = 0;  ///< of the line on screen
  const CellPlan* told_ = nullptr;
  unsigned told_session_ = 0;
  unsigned told_wait_ = 0;  ///< session
  std::size_t told_steps_ = 0;
};

}  // namespace tlblab
