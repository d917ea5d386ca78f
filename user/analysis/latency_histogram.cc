// SPDX-License-Identifier: GPL-2.0-only
// Steps: a power of two and the eleven bits that follow it.
#include "user/analysis/latency_histogram.hh"

#include <algorithm>
#include <bit>

namespace tlblab {
namespace {

constexpr unsigned kBits = 11;
constexpr std::uint64_t kSteps = std::uint64_t{1} << kBits;

/// How many low bits of a value its step leaves out.
unsigned shift_of(std::uint64_t value) {
  const auto width = static_cast<unsigned>(std::bit_width(value));
  return width > kBits + 1 ? width - kBits - 1 : 0;
}

std::size_t step_of(std::uint64_t value) {
  const unsigned shift = shift_of(value);
  return shift * kSteps + (value >> shift);
}

/// The middle of a step.
double value_of(std::size_t step) {
  const std::size_t shift = step < 2 * kSteps ? 0 : step / kSteps - 1;
  const std::uint64_t low = std::uint64_t{step - shift * kSteps} << shift;
  return static_cast<double>(low) + static_cast<double>((std::uint64_t{1} << shift) - 1) / 2;
}

}  // namespace

void LatencyHistogram::add(std::uint64_t latency_ns) {
  const std::size_t step = step_of(latency_ns);
  if (step >= counts_.size()) counts_.resize(step + 1);
  ++counts_[step];
  ++size_;
  greatest_ns_ = std::max(greatest_ns_, latency_ns);
}

double LatencyHistogram::at_rank(std::size_t rank) const {
  if (rank + 1 == size_) return static_cast<double>(greatest_ns_);
  std::size_t step = 0;
  for (std::size_t below = counts_[0]; below <= rank; below += counts_[step]) ++step;
  return value_of(step);
}

std::vector<std::pair<double, double>> LatencyHistogram::cumulative(std::size_t most) const {
  std::vector<std::pair<double, double>> points;
  std::size_t step = 0;
  std::size_t below = counts_.empty() ? 0 : counts_[0];
  for (std::size_t i = 0; i < std::min(size_, most); ++i) {
    const std::size_t rank = size_ <= most ? i : i * (size_ - 1) / (most - 1);
    while (below <= rank) below += counts_[++step];
    points.emplace_back(rank + 1 == size_ ? static_cast<double>(greatest_ns_) : value_of(step),
                        static_cast<double>(rank + 1) / static_cast<double>(size_));
  }
  return points;
}

}  // namespace tlblab
