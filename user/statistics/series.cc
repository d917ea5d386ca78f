// SPDX-License-Identifier: GPL-2.0-only
// Batch means with an autocorrelation correction: the interval behind every number of a report.
#include "user/statistics/series.hh"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace tlblab::statistics {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

constexpr double inflation(double rho) {
  const double capped = std::min(rho, kRhoCap);
  return std::max(1.0, (1 + capped) / (1 - capped));
}
// With less than one degree of freedom, Student's t gives useless intervals. The cap on rho avoids
// that.
static_assert(kMinBlocks / inflation(1.0) - 1 > 1);
static_assert(kBatches / inflation(1.0) - 1 > 1);

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// `nr_batches` contiguous batches that cover all values, their lengths differing by one at most.
/// Batches shorter than the rest vary a little more, which errs towards a wider interval.
std::vector<double> batch_means(std::span<const double> values, std::size_t nr_batches) {
  std::vector<double> means;
  means.reserve(nr_batches);
  std::size_t first = 0;
  for (std::size_t batch = 1; batch <= nr_batches; ++batch) {
    const std::size_t end = batch * values.size() / nr_batches;
    means.push_back(mean_of(values.subspan(first, end - first)));
    first = end;
  }
  return means;
}

struct Moments {
  double sum_of_squares = 0;
  double rho = 0;  ///< lag-1 autocorrelation as it comes, biased towards zero and below
};

Moments moments_of(std::span<const double> values) {
  const double mean = mean_of(values);
  Moments moments;
  double products = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double deviation = values[i] - mean;
    moments.sum_of_squares += deviation * deviation;
    if (i > 0) products += deviation * (values[i - 1] - mean);
  }
  // Values that differ by rounding alone have no autocorrelation worth the name.
  const double rounding = 1e-12 * mean;
  const bool constant =
      moments.sum_of_squares <= static_cast<double>(values.size()) * rounding * rounding;
  moments.rho = constant ? 0 : products / moments.sum_of_squares;
  return moments;
}

double corrected(double rho, std::size_t nr_values) {
  return rho + (1 + 3 * rho) / static_cast<double>(nr_values);
}

}  // namespace

double lag1_correlation(std::span<const double> values) {
  return corrected(moments_of(values).rho, values.size());
}

double variance_inflation(double rho) { return inflation(rho); }

SeriesEstimate estimate_series(std::span<const double> values) {
  SeriesEstimate estimate;
  estimate.nr_values = values.size();
  estimate.mean = values.empty() ? kNaN : mean_of(values);
  if (values.size() < kMinBlocks) {
    estimate.se = kInfinity;
    estimate.rho = kNaN;
    return estimate;
  }
  const std::size_t nr_batches = values.size() < 2 * kBatches ? values.size() : kBatches;
  const std::vector<double> batches = batch_means(values, nr_batches);
  const Moments moments = moments_of(batches);
  const auto [low, high] = std::minmax_element(batches.begin(), batches.end());
  estimate.batch_low = *low;
  estimate.batch_high = *high;
  const auto k = static_cast<double>(nr_batches);
  estimate.rho = corrected(moments.rho, nr_batches);
  estimate.phi = variance_inflation(estimate.rho);
  estimate.se = std::sqrt(moments.sum_of_squares / (k - 1) * estimate.phi / k);
  estimate.dof = k / estimate.phi - 1;
  return estimate;
}

double SeriesEstimate::half_width(double confidence) const {
  if (nr_values < kMinBlocks) return kInfinity;
  const boost::math::students_t t(dof);
  return boost::math::quantile(boost::math::complement(t, (1 - confidence) / 2)) * se;
}

double SeriesEstimate::p_value(double null_mean) const {
  if (nr_values < kMinBlocks) return 1;
  const double distance = std::abs(mean - null_mean);
  if (se == 0) return distance == 0 ? 1 : 0;
  const boost::math::students_t t(dof);
  return 2 * boost::math::cdf(boost::math::complement(t, distance / se));
}

double relative_half_width(const SeriesEstimate& log_ratio, double confidence) {
  return std::expm1(log_ratio.half_width(confidence));
}

}  // namespace tlblab::statistics
