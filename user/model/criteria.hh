// SPDX-License-Identifier: GPL-2.0-only
// What a study asks of its cells, and when a cell stops.
#pragma once

namespace tlblab {

struct Criteria {
  double width = 0.03;        ///< wanted half-width of the 95 % interval of the ratio, relative
  double equivalence = 0.05;  ///< d: "equivalent within d" when the 90 % interval is inside +-d
  double alpha = 0.05;        ///< family-wise, after Holm
};

struct StoppingRule {
  double width = 0.03;     ///< wanted half-width of the ratio's 95 % interval, relative
  double min_seconds = 5;  ///< regimes shorter than this are averaged over
  double max_seconds = 10;
};

}  // namespace tlblab
