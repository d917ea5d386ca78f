// SPDX-License-Identifier: GPL-2.0-only
// The self-test's run: production first, then the mutants on the same sessions.
#include "user/statistics/selftest.hh"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "user/support/error.hh"

namespace tlblab::statistics {

namespace {

/// Turns "sessions done in this suite" into "share of everything".
class Meter {
 public:
  Meter(double total, const Progress& progress) : total_(total), progress_(progress) {}

  /// Work is counted to the end of each step even when it stopped before.
  void step_done(double cost) { done_ += cost; }

  [[nodiscard]] Suite::Tick tick(std::string step, double cost_per_session, double before) const {
    return [this, step = std::move(step), cost_per_session, before](std::size_t nr_done) {
      const double done = done_ + before + cost_per_session * static_cast<double>(nr_done);
      if (progress_) progress_(step, std::min(1.0, done / total_));
    };
  }

 private:
  double total_;
  double done_ = 0;
  const Progress& progress_;
};

CheckResult hunt(const Mutant& mutant, const std::vector<Suite>& all, std::size_t nr_sessions,
                 const Meter& meter) {
  CheckResult noticed{"mutant " + mutant.name,
                      std::numeric_limits<double>::quiet_NaN(),
                      std::numeric_limits<double>::quiet_NaN(),
                      "a check must break",
                      false,
                      true,
                      "no check noticed it"};
  double before = 0;
  for (const Suite& suite : all) {
    const auto results = suite.run(mutant.method, nr_sessions,
                                   meter.tick("mutant " + mutant.name, suite.cost, before));
    before += suite.cost * static_cast<double>(nr_sessions);
    const auto broken = std::find_if(results.begin(), results.end(),
                                     [](const CheckResult& check) { return check.broken; });
    if (broken == results.end()) continue;
    noticed.rate = broken->rate;
    noticed.mc_error = broken->mc_error;
    noticed.pass = true;
    noticed.broken = false;
    noticed.detail = fmt::format("noticed by \"{}\": {:.1f} % +- {:.1f} %, asked {}", broken->name,
                                 100 * broken->rate, 100 * broken->mc_error, broken->limit);
    break;
  }
  return noticed;
}

}  // namespace

std::vector<CheckResult> run_selftest(const Recording& recording, const SelftestOptions& options,
                                      const Progress& progress) {
  if (options.nr_replays < kMinReplays) {
    throw Error(ExitStatus::kUsage,
                fmt::format("{} replays cannot show rates of some percent", options.nr_replays),
                fmt::format("Ask for at least {}; 4000 is the default.", kMinReplays));
  }
  const std::vector<Suite> all = suites(recording, options.seed);
  const std::size_t nr_mutant_replays = std::max(options.nr_replays / 4, kMinReplays);

  double suites_cost = 0;
  for (const Suite& suite : all) suites_cost += suite.cost;
  const double mutant_cost = suites_cost * static_cast<double>(nr_mutant_replays);
  const auto nr_replays = static_cast<double>(options.nr_replays);
  Meter meter(suites_cost * nr_replays + mutant_cost * static_cast<double>(options.bugs.size()),
              progress);

  std::vector<CheckResult> results;
  for (const Suite& suite : all) {
    const auto checks =
        suite.run(Method{}, options.nr_replays, meter.tick(suite.name, suite.cost, 0));
    results.insert(results.end(), checks.begin(), checks.end());
    meter.step_done(suite.cost * nr_replays);
  }
  for (const Mutant& mutant : options.bugs) {
    results.push_back(hunt(mutant, all, nr_mutant_replays, meter));
    meter.step_done(mutant_cost);
  }
  if (progress) progress("done", 1);
  return results;
}

}  // namespace tlblab::statistics
