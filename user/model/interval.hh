// SPDX-License-Identifier: GPL-2.0-only
// An estimate and how sure it is.
#pragma once

namespace tlblab {

/// A value with its 95 % interval. low and high are infinite when no interval is claimed.
struct Interval {
  double estimate = 0;
  double low = 0;
  double high = 0;
};

}  // namespace tlblab
