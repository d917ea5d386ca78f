// SPDX-License-Identifier: GPL-2.0-only
// Walks to losses.
#include "user/analysis/probe.hh"

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>

#include "user/statistics/blocks.hh"
#include "user/statistics/series.hh"
#include "user/statistics/verdict.hh"

namespace tlblab {
namespace {

enum class Victim : std::uint8_t { kInitiator, kResponders };
constexpr std::array kVictims = {Victim::kInitiator, Victim::kResponders};
constexpr std::array kArms = {Arm::kA, Arm::kB};

template <typename Which>
constexpr std::size_t index(Which which) {
  return static_cast<std::size_t>(which);
}

/// The walks of one block, by kind. A trial that was set apart is none.
class BlockWalks {
 public:
  void add(const records::ProbeTrial& trial) {
    if (trial.state != TrialState::kOk) return;
    const auto responders =
        std::accumulate(trial.responders_ns.begin(), trial.responders_ns.end(), std::uint64_t{0});
    auto& walks = walks_[index(trial.arm)][trial.operated ? 1 : 0];
    walks[index(Victim::kInitiator)].push_back(static_cast<double>(trial.initiator_ns));
    walks[index(Victim::kResponders)].push_back(static_cast<double>(responders));
  }

  [[nodiscard]] bool has_all_kinds() const {
    for (const auto& arm : walks_) {
      if (arm[0].front().empty() || arm[1].front().empty()) return false;
    }
    return true;
  }

  [[nodiscard]] double median(Arm arm, bool operated, Victim victim) const {
    std::vector<double> walks = walks_[index(arm)][operated ? 1 : 0][index(victim)];
    return statistics::median_in_place(walks);
  }
  [[nodiscard]] double loss(Arm arm, Victim victim) const {
    return median(arm, true, victim) - median(arm, false, victim);
  }

 private:
  using ByVictim = std::array<std::vector<double>, 2>;
  std::array<std::array<ByVictim, 2>, 2> walks_;  ///< [arm][operated]
};

/// One quantity over sessions, each a series of blocks: as every other interval of a report.
Interval over_sessions(const std::vector<std::vector<double>>& sessions) {
  std::vector<double> means;
  double half_width = 0;
  for (const std::vector<double>& blocks : sessions) {
    const statistics::SeriesEstimate estimate = statistics::estimate_series(blocks);
    means.push_back(estimate.mean);
    half_width = estimate.half_width(0.95);
  }
  double mean = means.front();
  if (means.size() > 1) {
    const statistics::SessionsEstimate estimate = statistics::across_sessions(means);
    mean = estimate.mean;
    half_width = estimate.half_width(0.95);
  }
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (!std::isfinite(half_width)) return {mean, -infinity, infinity};
  return {mean, mean - half_width, mean + half_width};
}

/// One size over all sessions.
class SizeBuilder {
 public:
  void add_session(const std::map<std::uint32_t, BlockWalks>& blocks) {
    std::array<std::array<std::vector<double>, 2>, 2> series;  // [arm][victim]
    for (const auto& [number, block] : blocks) {
      if (!block.has_all_kinds()) continue;
      ++nr_blocks_;
      for (const Victim victim : kVictims) {
        for (const Arm arm : kArms) {
          series[index(arm)][index(victim)].push_back(block.loss(arm, victim));
          empty_walks_[index(victim)].push_back(block.median(arm, false, victim));
        }
      }
    }
    if (series.front().front().empty()) return;
    for (const Arm arm : kArms) {
      for (const Victim victim : kVictims) {
        losses_[index(arm)][index(victim)].push_back(std::move(series[index(arm)][index(victim)]));
      }
    }
  }

  [[nodiscard]] std::size_t nr_blocks() const { return nr_blocks_; }

  ProbePoint finish(std::size_t nr_pages) {
    ProbePoint point;
    point.nr_pages = nr_pages;
    point.nr_blocks = nr_blocks_;
    for (const Arm arm : kArms) {
      const auto& of = losses_[index(arm)];
      point.losses[index(arm)] = {over_sessions(of[index(Victim::kInitiator)]),
                                  over_sessions(of[index(Victim::kResponders)])};
    }
    point.initiator_walk_ns = statistics::median_in_place(empty_walks_[index(Victim::kInitiator)]);
    point.responders_walk_ns =
        statistics::median_in_place(empty_walks_[index(Victim::kResponders)]);
    return point;
  }

 private:
  std::array<std::array<std::vector<std::vector<double>>, 2>, 2> losses_;  ///< [arm][victim]
  std::array<std::vector<double>, 2> empty_walks_;                         ///< [victim]
  std::size_t nr_blocks_ = 0;
};

}  // namespace

std::vector<ProbePoint> analyse_probe(const std::vector<records::SessionRecord>& sessions) {
  std::map<std::size_t, SizeBuilder> sizes;
  for (const records::SessionRecord& session : sessions) {
    std::map<std::size_t, std::map<std::uint32_t, BlockWalks>> walks;
    for (const records::ProbeTrial& trial : session.probes) {
      walks[trial.nr_pages][trial.block].add(trial);
    }
    for (const auto& [nr_pages, blocks] : walks) sizes[nr_pages].add_session(blocks);
  }
  std::vector<ProbePoint> points;
  for (auto& [nr_pages, size] : sizes) {
    if (size.nr_blocks() > 0) points.push_back(size.finish(nr_pages));
  }
  return points;
}

}  // namespace tlblab
