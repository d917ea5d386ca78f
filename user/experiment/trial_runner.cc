// SPDX-License-Identifier: GPL-2.0-only
// One trial, in order: prepare, load, open, operate, close, settle.
#include "user/experiment/trial_runner.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "user/statistics/blocks.hh"
#include "user/support/clock.hh"
#include "user/support/error.hh"
#include "user/workload/presence.hh"

namespace tlblab {
namespace {

std::uint64_t measure_clock_overhead_ns() {
  std::array<double, 1001> windows{};
  for (double& window : windows) {
    const std::uint64_t begin = now_ns();
    window = static_cast<double>(now_ns() - begin);
  }
  return static_cast<std::uint64_t>(statistics::median_in_place(windows));
}

/// The initiator's is the first; the responders' follow, and then the bystanders'.
void refuse_too_few(const CellPlan& cell, const std::vector<int>& cpus) {
  const std::size_t needed = std::size_t{1} + cell.nr_responders + cell.nr_bystanders;
  if (cpus.size() >= needed) return;
  throw Error(ExitStatus::kMachine,
              fmt::format("cell {} needs {} CPUs, {} are at hand", cell.id, needed, cpus.size()),
              "Ask for fewer responders, or allow more CPUs with --cpus.");
}

std::vector<int> responder_cpus(const CellPlan& cell, const std::vector<int>& cpus) {
  refuse_too_few(cell, cpus);
  return {cpus.begin() + 1, cpus.begin() + 1 + cell.nr_responders};
}

std::vector<int> bystander_cpus(const CellPlan& cell, const std::vector<int>& cpus) {
  refuse_too_few(cell, cpus);
  const auto begin = cpus.begin() + 1 + cell.nr_responders;
  return {begin, begin + cell.nr_bystanders};
}

TrialState state_of(const CrewReport& crew, const Presence& before, const Presence& after,
                    const TimeSpan& window) {
  return crew.state == TrialState::kOk ? initiator_state(before, after, window) : crew.state;
}

}  // namespace

TrialRunner::TrialRunner(const CellPlan& cell, const std::vector<int>& cpus)
    : shape_(cell.shape),
      bystanders_(bystander_cpus(cell, cpus)),
      crew_(responder_cpus(cell, cpus)),
      clock_overhead_ns_(measure_clock_overhead_ns()) {
  arms_[0].scheme = find_scheme(cell.a);
  arms_[1].scheme = find_scheme(cell.b);
  for (const ArmSetup& arm : arms_) {
    if (arm.workspace == nullptr) open_workspace(*arm.scheme.engine, cell.shape);
  }
}

/// Arms of one engine share a workspace: the same addresses, tables and cache colours.
void TrialRunner::open_workspace(const Engine& engine, const Shape& shape) {
  std::vector<const Scheme*> schemes;
  for (ArmSetup& arm : arms_) {
    if (arm.scheme.engine != &engine) continue;
    arm.which = schemes.size();
    schemes.push_back(arm.scheme.scheme.get());
  }
  workspaces_.push_back(engine.open(shape, schemes));
  for (ArmSetup& arm : arms_) {
    if (arm.scheme.engine == &engine) arm.workspace = workspaces_.back().get();
  }
}

Expectation TrialRunner::expected(Arm arm) const {
  return arms_[static_cast<std::size_t>(arm)].scheme.scheme->expect(shape_);
}

void TrialRunner::throw_if_failed(const ArmSetup& setup, int error) {
  if (error == 0) return;
  throw Error(ExitStatus::kMachine,
              fmt::format("{} failed: {}", setup.scheme.full_name(), std::strerror(error)),
              setup.workspace->advice(error));
}

Trial TrialRunner::run(Arm arm, counters::CounterSet* counters) {
  const ArmSetup& setup = arms_[static_cast<std::size_t>(arm)];
  Workspace& workspace = *setup.workspace;
  workspace.time_phases(counters != nullptr);  // what disturbs belongs to the counting pass
  workspace.prepare(++tag_);
  // Not between load() and the window: the responders were seen running a moment ago.
  const Presence before = presence_now();
  crew_.load(workspace.ranges(), tag_);

  if (counters != nullptr) counters->begin();
  crew_.open_window();
  const std::uint64_t begin = now_ns();
  const int error = workspace.perform(setup.which);
  const std::uint64_t end = now_ns();
  crew_.close_window();
  if (counters != nullptr) counters->end();
  const Presence after = presence_now();

  const CrewReport& report = crew_.settle({begin, end});
  throw_if_failed(setup, error);
  account_ = workspace.account();
  Trial trial;
  trial.arm = arm;
  trial.state =
      report.state == TrialState::kOk ? initiator_state(before, after, {begin, end}) : report.state;
  trial.start_ns = begin;
  const std::uint64_t window = end - begin;
  trial.latency_ns = window - std::min(window, clock_overhead_ns_);
  trial.responders = report.samples;
  return trial;
}

void TrialRunner::open_probe(std::size_t most_pages) {
  walk_.emplace(most_pages);
  crew_.open_probe(most_pages);
  bystanders_.open_probe(most_pages);
}

void TrialRunner::arrange_probe(std::size_t nr_pages, std::uint64_t seed) {
  walk_->arrange(nr_pages, seed);
  crew_.arrange_probe(nr_pages, seed);
  bystanders_.arrange_probe(nr_pages, seed);
}

records::ProbeTrial TrialRunner::probe(Arm arm, bool operated, counters::CounterSet* counters) {
  const ArmSetup& setup = arms_[static_cast<std::size_t>(arm)];
  Workspace& workspace = *setup.workspace;
  workspace.time_phases(false);
  workspace.prepare(++tag_);
  const Presence before = presence_now();
  crew_.load(workspace.ranges(), tag_);
  bystanders_.warm_up();
  walk_->warm_up();
  crew_.wait_for_beats();

  crew_.open_window();
  const std::uint64_t begin = now_ns();
  int error = 0;
  if (operated) {
    error = workspace.perform(setup.which);
  } else {
    crew_.wait_for_beats();  // as long as it takes to see that they are there
  }
  const std::uint64_t end = now_ns();
  crew_.close_window();
  if (counters != nullptr) counters->begin();
  crew_.start_walks();
  bystanders_.start_walks();
  records::ProbeTrial trial;
  trial.initiator_ns = walk_->time_ns();
  trial.responders_ns = crew_.finish_walks();
  trial.bystanders_ns = bystanders_.finish_walks();
  if (counters != nullptr) {
    counters->end();
    trial.counts = counters->counts();
  }
  const Presence after = presence_now();

  const CrewReport& report = crew_.settle({begin, end});
  throw_if_failed(setup, error);
  trial.arm = arm;
  trial.operated = operated;
  trial.state = state_of(report, before, after, {begin, end});
  return trial;
}

}  // namespace tlblab
