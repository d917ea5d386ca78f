// SPDX-License-Identifier: GPL-2.0-only
// The interval: against values worked out by hand, and against a plain second computation.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "user/statistics/series.hh"

namespace tlblab::statistics {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Two values per batch of 32.
std::vector<double> from_batches(const std::vector<double>& means) {
  std::vector<double> values;
  for (const double mean : means) {
    values.push_back(mean - 0.25);
    values.push_back(mean + 0.25);
  }
  return values;
}

// Batch means +1, -1, +1, ...: r = -31/32, so phi = 1; s^2 = 32/31, so SE = 1/sqrt(31).
TEST(Series, ByHandWithoutInflation) {
  std::vector<double> means(32, 6);
  for (std::size_t i = 1; i < means.size(); i += 2) means[i] = 4;
  const auto estimate = estimate_series(from_batches(means));
  EXPECT_EQ(estimate.nr_values, 64);
  EXPECT_DOUBLE_EQ(estimate.mean, 5);
  EXPECT_DOUBLE_EQ(estimate.rho, -31.0 / 32 + (1 - 3 * 31.0 / 32) / 32);
  EXPECT_EQ(estimate.phi, 1);
  EXPECT_EQ(estimate.dof, 31);
  EXPECT_DOUBLE_EQ(estimate.se, 1 / std::sqrt(31.0));
  EXPECT_NEAR(estimate.half_width(0.95), 2.0395134464 / std::sqrt(31.0), 1e-9);
  EXPECT_NEAR(estimate.half_width(0.90), 1.6955187825 / std::sqrt(31.0), 1e-9);
  EXPECT_NEAR(estimate.p_value(5 + 2 / std::sqrt(31.0)), 0.0543272154, 1e-9);
  EXPECT_NEAR(estimate.p_value(5 - 2 / std::sqrt(31.0)), 0.0543272154, 1e-9);
  EXPECT_EQ(estimate.p_value(5), 1);
}

// Sixteen batches low, sixteen high: r = (15 + 15 - 1)/32, corrected past 1, capped at 0.85. The
// quantile for 32/12.33 - 1 = 1.59 degrees of freedom was integrated apart from this code.
TEST(Series, ByHandAtTheCap) {
  std::vector<double> means(32, -1);
  std::fill(means.begin() + 16, means.end(), 1);
  const auto estimate = estimate_series(from_batches(means));
  const double r = 29.0 / 32;
  const double phi = 1.85 / 0.15;
  EXPECT_DOUBLE_EQ(estimate.rho, r + (1 + 3 * r) / 32);
  EXPECT_GT(estimate.rho, 1);
  EXPECT_DOUBLE_EQ(estimate.phi, phi);
  EXPECT_DOUBLE_EQ(estimate.dof, 32 / phi - 1);
  EXPECT_DOUBLE_EQ(estimate.se, std::sqrt(32.0 / 31 * phi / 32));
  EXPECT_NEAR(estimate.half_width(0.95), 5.54136988 * estimate.se, 1e-6);
  EXPECT_NEAR(estimate.p_value(2 * estimate.se), 0.21485928, 1e-6);
}

/// The same estimate, written down as plainly as possible.
struct Plain {
  double mean, se, rho, phi, dof;
};
Plain plainly(const std::vector<double>& y) {
  const std::size_t n = y.size();
  const std::size_t k = n < 64 ? n : 32;
  std::vector<long double> m(k, 0);
  std::vector<std::size_t> length(k, 0);
  for (std::size_t i = 0, batch = 0; i < n; ++i) {
    while (i >= (batch + 1) * n / k) ++batch;
    m[batch] += y[i];
    ++length[batch];
  }
  long double all = 0;
  for (const double value : y) all += value;
  long double mean_of_means = 0;
  for (std::size_t i = 0; i < k; ++i) mean_of_means += (m[i] /= length[i]) / k;
  long double c0 = 0;
  long double c1 = 0;
  for (std::size_t i = 0; i < k; ++i) c0 += (m[i] - mean_of_means) * (m[i] - mean_of_means);
  for (std::size_t i = 1; i < k; ++i) c1 += (m[i] - mean_of_means) * (m[i - 1] - mean_of_means);
  const long double r = c1 / c0;
  const long double rho = r + (1 + 3 * r) / k;
  const long double capped = rho > 0.85L ? 0.85L : rho;
  const long double phi = capped > 0 ? (1 + capped) / (1 - capped) : 1;
  return {double(all / n), double(std::sqrt(c0 / (k - 1)) * std::sqrt(phi / k)), double(rho),
          double(phi), double(k / phi - 1)};
}

std::vector<double> autocorrelated(std::size_t n, double phi, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> values;
  double state = 0;
  for (std::size_t i = 0; i < n; ++i) {
    state = phi * state + static_cast<double>(random() >> 11U) * 0x1p-53 - 0.5;
    values.push_back(1.6 + 0.1 * state);
  }
  return values;
}

TEST(Series, AgreesWithAPlainComputation) {
  std::uint64_t seed = 1;
  for (const std::size_t n : {32, 33, 63, 64, 65, 100, 127, 128, 390, 1000}) {
    for (const double phi : {-0.5, 0.0, 0.5, 0.9, 0.999}) {
      const auto values = autocorrelated(n, phi, ++seed);
      const auto estimate = estimate_series(values);
      const Plain plain = plainly(values);
      SCOPED_TRACE(testing::Message() << n << " values, phi " << phi);
      EXPECT_EQ(estimate.nr_values, n);
      EXPECT_NEAR(estimate.mean, plain.mean, 1e-12);
      EXPECT_NEAR(estimate.se, plain.se, 1e-9 * plain.se);
      EXPECT_NEAR(estimate.rho, plain.rho, 1e-9);
      EXPECT_NEAR(estimate.phi, plain.phi, 1e-7);
      EXPECT_NEAR(estimate.dof, plain.dof, 1e-7);
      EXPECT_GT(estimate.dof, 1);
    }
  }
}

// The mean is of all blocks, not of the batch means, which weigh short batches too much.
TEST(Series, MeanIsOfAllValues) {
  std::vector<double> values(65);
  std::iota(values.begin(), values.end(), 0.0);  // 0 .. 63 sum to 2016
  values.back() = 1000;
  EXPECT_DOUBLE_EQ(estimate_series(values).mean, (2016 + 1000) / 65.0);
}

TEST(Series, TooFewClaimNothing) {
  const auto estimate = estimate_series(autocorrelated(kMinBlocks - 1, 0, 7));
  EXPECT_EQ(estimate.nr_values, kMinBlocks - 1);
  EXPECT_TRUE(std::isfinite(estimate.mean));
  EXPECT_EQ(estimate.se, kInfinity);
  EXPECT_TRUE(std::isnan(estimate.rho));
  EXPECT_EQ(estimate.half_width(0.95), kInfinity);
  EXPECT_EQ(relative_half_width(estimate, 0.95), kInfinity);
  EXPECT_EQ(estimate.p_value(0), 1);
  EXPECT_TRUE(std::isnan(estimate_series({}).mean));
}

// A clock too coarse for the noise makes every block the same. 0.1 has no exact sum, so that what
// is left is rounding, and rounding must not look like autocorrelation.
TEST(Series, ConstantValues) {
  const auto estimate = estimate_series(std::vector<double>(200, 0.1));
  EXPECT_NEAR(estimate.mean, 0.1, 1e-12);
  EXPECT_LT(estimate.half_width(0.95), 1e-12);
  EXPECT_LT(estimate.rho, kRhoWandering);
  const auto zero = estimate_series(std::vector<double>(200, 0.0));
  EXPECT_EQ(zero.half_width(0.95), 0);
  EXPECT_EQ(zero.p_value(0), 1);
  EXPECT_EQ(zero.p_value(0.01), 0);
}

TEST(Series, RelativeHalfWidthIsTheLongerSide) {
  const auto estimate = estimate_series(autocorrelated(128, 0.3, 11));
  const double half_width = estimate.half_width(0.95);
  EXPECT_NEAR(relative_half_width(estimate, 0.95), std::exp(half_width) - 1, 1e-12);
  EXPECT_GT(relative_half_width(estimate, 0.95), 1 - std::exp(-half_width));
}

}  // namespace
}  // namespace tlblab::statistics
