// SPDX-License-Identifier: GPL-2.0-only
// The mean of a series of block values, with an interval that knows of autocorrelation.
#pragma once

#include <cstddef>
#include <limits>
#include <span>

namespace tlblab::statistics {

/// Batch-means estimate. With y the block values in time order: K contiguous batches that cover all
/// of them, their lengths differing by one at most (K = 32; with fewer than 64 values each is its
/// own batch), s the standard deviation of the batch means, rho their lag-1 autocorrelation r
/// corrected for its small-sample bias, rho = r + (1 + 3 r)/K, phi = max(1, (1+rho)/(1-rho)) with
/// rho capped at 0.85, half-width = t(1 - alpha/2, K/phi - 1) s sqrt(phi/K). The cap keeps the
/// degrees of freedom above one. Source: docs/methods.md, "Interval".
struct SeriesEstimate {
  std::size_t nr_values = 0;  ///< blocks that entered
  double mean = 0;            ///< of all values; NaN of none
  double se = 0;              ///< s sqrt(phi/K); infinite when no interval is claimed
  double rho = 0;             ///< corrected, before the cap; NaN when no interval is claimed
  double phi = 1;             ///< inflation of the variance, >= 1
  double dof = 0;             ///< K/phi - 1; 0 when no interval is claimed
  /// Range of the batch means: where the series went. Infinite when no interval is claimed.
  double batch_low = -std::numeric_limits<double>::infinity();
  double batch_high = std::numeric_limits<double>::infinity();

  /// Half-width of the two-sided interval at `confidence` (0.95, 0.90). Infinite when fewer than
  /// kMinBlocks values entered: no interval is claimed from less.
  [[nodiscard]] double half_width(double confidence) const;
  /// Two-sided p-value of "the mean is `null_mean`"; 1 when no interval is claimed.
  [[nodiscard]] double p_value(double null_mean) const;
};

inline constexpr std::size_t kBatches = 32;
inline constexpr std::size_t kMinBlocks = 32;
inline constexpr double kRhoCap = 0.85;
inline constexpr double kRhoWandering = 0.4;

/// `values` are finite and in time order; any unit.
SeriesEstimate estimate_series(std::span<const double> values);

/// Lag-1 autocorrelation of `values`, r, corrected for its small-sample bias: r + (1 + 3 r)/n. Of
/// values that differ by rounding alone, r is 0.
double lag1_correlation(std::span<const double> values);

/// By what the variance of a mean is larger than if the values were independent, given their lag-1
/// autocorrelation: max(1, (1+rho)/(1-rho)), rho capped at kRhoCap.
double variance_inflation(double rho);

/// How far the interval of a ratio reaches above its estimate, relative to it: exp(half-width) - 1,
/// the longer of its two sides. This is what "+-3 %" means in stopping and in verdicts.
double relative_half_width(const SeriesEstimate& log_ratio, double confidence);

}  // namespace tlblab::statistics
