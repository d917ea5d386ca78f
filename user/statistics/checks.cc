// SPDX-License-Identifier: GPL-2.0-only
// Rates and limits.
#include "user/statistics/checks.hh"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace tlblab::statistics {

namespace {
constexpr double kBeyond = 2;  ///< standard errors
}

double Tally::rate() const { return static_cast<double>(nr_hits) / static_cast<double>(nr_runs); }

double Tally::mc_error() const {
  const double n = static_cast<double>(nr_runs) + 4;
  const double p = (static_cast<double>(nr_hits) + 2) / n;
  return std::sqrt(p * (1 - p) / n);
}

bool Limit::held(const Tally& tally) const {
  const double margin = kBeyond * tally.mc_error();
  return kind == Kind::kAtMost ? tally.rate() + margin <= value : tally.rate() - margin >= value;
}

bool Limit::broken(const Tally& tally) const {
  const double margin = kBeyond * tally.mc_error();
  return kind == Kind::kAtMost ? tally.rate() - margin > value : tally.rate() + margin < value;
}

std::string Limit::text() const {
  return fmt::format("at {} {:g} %", kind == Kind::kAtMost ? "most" : "least", 100 * value);
}

CheckResult result(std::string name, const Tally& tally, const Limit& limit, std::string detail) {
  return {std::move(name),   tally.rate(),        tally.mc_error(), limit.text(),
          limit.held(tally), limit.broken(tally), std::move(detail)};
}

}  // namespace tlblab::statistics
