// SPDX-License-Identifier: GPL-2.0-only
// Walks to losses.
#include "user/analysis/probe.hh"

#include <cstdint>
#include <map>
#include <numeric>
#include <span>
#include <vector>

#include "user/analysis/quantity.hh"
#include "user/statistics/blocks.hh"
#include "user/statistics/series.hh"
#include "user/statistics/verdict.hh"

namespace tlblab {
namespace {

enum class Victim : std::uint8_t { kInitiator, kResponders, kBystanders };
constexpr std::array kVictims = {Victim::kInitiator, Victim::kResponders, Victim::kBystanders};
constexpr std::array kArms = {Arm::kA, Arm::kB};

template <typename Which>
constexpr std::size_t index(Which which) {
  return static_cast<std::size_t>(which);
}

template <typename Value>
using ByVictim = std::array<Value, kVictims.size()>;

double sum(const std::vector<std::uint64_t>& walks) {
  return static_cast<double>(std::accumulate(walks.begin(), walks.end(), std::uint64_t{0}));
}

/// The walks of one block, by kind. A trial that was set apart is none.
class BlockWalks {
 public:
  void add(const records::ProbeTrial& trial) {
    if (trial.state != TrialState::kOk) return;
    auto& walks = walks_[index(trial.arm)][trial.operated ? 1 : 0];
    walks[index(Victim::kInitiator)].push_back(static_cast<double>(trial.initiator_ns));
    walks[index(Victim::kResponders)].push_back(sum(trial.responders_ns));
    // None is not 0: earlier files had bystanders that did not walk.
    if (trial.bystanders_ns.empty()) return;
    walks[index(Victim::kBystanders)].push_back(sum(trial.bystanders_ns));
  }

  [[nodiscard]] bool has_all_kinds(Victim victim) const {
    for (const auto& arm : walks_) {
      for (const auto& walks : arm) {
        if (walks[index(victim)].empty()) return false;
      }
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
  std::array<std::array<ByVictim<std::vector<double>>, 2>, 2> walks_;  ///< [arm][operated]
};

/// Of the session that the walks belong to. What is asked of its state is whether blocks resemble
/// their neighbours: a loss may be next to nothing, so no relative width is wanted of it.
SessionExtent extent_of(const ProbedSession& session, std::span<const double> losses_ns) {
  const double rho = statistics::estimate_series(losses_ns).rho;
  return {session.start_s, session.seconds, losses_ns.size(),
          rho <= statistics::kRhoWandering ? statistics::State::kSteady
                                           : statistics::State::kWandering};
}

}  // namespace

/// One size over all sessions.
class ProbeAnalysis::Size {
 public:
  void add_session(const ProbedSession& session,
                   const std::map<std::uint32_t, BlockWalks>& blocks) {
    std::array<ByVictim<std::vector<double>>, 2> series;  // [arm]
    for (const auto& [number, block] : blocks) {
      if (block.has_all_kinds(Victim::kInitiator)) ++nr_blocks_;
      for (const Victim victim : kVictims) {
        if (!block.has_all_kinds(victim)) continue;
        for (const Arm arm : kArms) {
          series[index(arm)][index(victim)].push_back(block.loss(arm, victim));
          empty_walks_[index(victim)].push_back(block.median(arm, false, victim));
        }
      }
    }
    for (const Arm arm : kArms) {
      for (const Victim victim : kVictims) {
        const std::vector<double>& losses_ns = series[index(arm)][index(victim)];
        if (losses_ns.empty()) continue;
        losses_[index(arm)][index(victim)].add_session(extent_of(session, losses_ns), losses_ns);
      }
    }
  }

  void add_counts(const records::ProbeTrial& trial) {
    if (trial.state != TrialState::kOk) return;
    counts_[index(trial.arm)][trial.operated ? 1 : 0].add(trial.counts);
  }

  [[nodiscard]] std::size_t nr_blocks() const { return nr_blocks_; }

  ProbePoint finish(std::size_t nr_pages) {
    ProbePoint point;
    point.nr_pages = nr_pages;
    point.nr_blocks = nr_blocks_;
    const bool with_bystanders = !empty_walks_[index(Victim::kBystanders)].empty();
    for (const Arm arm : kArms) {
      const auto& of = losses_[index(arm)];
      ProbeLoss& loss = point.losses[index(arm)];
      loss.initiator_ns = linear(of[index(Victim::kInitiator)].claim());
      loss.responders_ns = linear(of[index(Victim::kResponders)].claim());
      if (with_bystanders) loss.bystanders_ns = linear(of[index(Victim::kBystanders)].claim());
      for (const std::size_t operated : {0, 1}) {
        point.counts[index(arm)][operated] = counts_[index(arm)][operated].finish();
      }
    }
    point.initiator_walk_ns = median_walk(Victim::kInitiator);
    point.responders_walk_ns = median_walk(Victim::kResponders);
    if (with_bystanders) point.bystanders_walk_ns = median_walk(Victim::kBystanders);
    return point;
  }

 private:
  double median_walk(Victim victim) {
    return statistics::median_in_place(empty_walks_[index(victim)]);
  }

  std::array<ByVictim<Quantity>, 2> losses_;  ///< [arm]
  ByVictim<std::vector<double>> empty_walks_;
  std::array<std::array<SideCountsBuilder, 2>, 2> counts_;  ///< [arm][operated]
  std::size_t nr_blocks_ = 0;
};

ProbeAnalysis::ProbeAnalysis() = default;
ProbeAnalysis::~ProbeAnalysis() = default;
ProbeAnalysis::ProbeAnalysis(ProbeAnalysis&&) noexcept = default;

void ProbeAnalysis::add(const ProbedSession& session) {
  std::map<std::size_t, std::map<std::uint32_t, BlockWalks>> walks;
  for (const records::ProbeTrial& trial : session.trials) {
    if (trial.counts.empty()) {
      walks[trial.nr_pages][trial.block].add(trial);
    } else {  // counting disturbs: its times are none
      sizes_[trial.nr_pages].add_counts(trial);
    }
  }
  for (const auto& [nr_pages, blocks] : walks) sizes_[nr_pages].add_session(session, blocks);
}

std::vector<ProbePoint> ProbeAnalysis::finish() {
  std::vector<ProbePoint> points;
  for (auto& [nr_pages, size] : sizes_) {
    if (size.nr_blocks() > 0) points.push_back(size.finish(nr_pages));
  }
  return points;
}

}  // namespace tlblab
