// SPDX-License-Identifier: GPL-2.0-only
// One trial: prepare, load, time, settle. The heart of every measurement.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "user/counters/counters.hh"
#include "user/engine/registry.hh"
#include "user/experiment/bystanders.hh"
#include "user/model/plan.hh"
#include "user/model/trial.hh"
#include "user/records/probe.hh"
#include "user/statistics/blocks.hh"
#include "user/workload/probe.hh"
#include "user/workload/responders.hh"

namespace tlblab {

/// Trials of one cell, in the calling thread, which must already be pinned to cpus[0] since before
/// its process ran anything else: otherwise another CPU may be left in the mm's mask and an R = 0
/// trial would send interrupts.
class TrialRunner {
 public:
  /// Starts cell.nr_responders responders on cpus[1], cpus[2], ..., and the cell's bystanders on
  /// the CPUs that follow. Throws Error(kMachine).
  TrialRunner(const CellPlan& cell, const std::vector<int>& cpus);

  /// One trial. `counters` may be null; its begin() and end() then enclose the window. The result
  /// has no block and order yet. Throws Error(kMachine) when the operation itself fails.
  Trial run(Arm arm, counters::CounterSet* counters);

  /// Gives every victim a working set of its own for probe(), of `most_pages`, from now on. Throws
  /// Error(kMachine).
  void open_probe(std::size_t most_pages);
  /// How much of it the next probe() walks over, and in which order.
  void arrange_probe(std::size_t nr_pages, std::uint64_t seed);
  /// A trial whose victims, the initiator, each responder and each bystander, walk their working
  /// sets right after the window. Without `operated` nothing is done in the window, all else is the
  /// same. The result has no size and block yet. `counters` may be null; its begin() and end() then
  /// enclose the walks. Throws as run() does, and when a bystander doesn't answer.
  records::ProbeTrial probe(Arm arm, bool operated, counters::CounterSet* counters);

  /// What the engine itself counted of the last trial; empty when it can't.
  [[nodiscard]] const Account& account() const { return account_; }
  /// What every operation of an arm must cause.
  [[nodiscard]] Expectation expected(Arm arm) const;

  /// Returns once every responder is seen running.
  void rouse_responders() const { crew_.wait_for_beats(); }

  /// Median length of an empty window, in ns: already subtracted from every latency.
  [[nodiscard]] std::uint64_t clock_overhead_ns() const { return clock_overhead_ns_; }
  [[nodiscard]] const ResponderCrew& crew() const { return crew_; }

 private:
  struct ArmSetup {
    SchemeRef scheme;
    Workspace* workspace = nullptr;
    std::size_t which = 0;  ///< of the workspace's schemes
  };

  void open_workspace(const Engine& engine, const Shape& shape);
  static void throw_if_failed(const ArmSetup& setup, int error);

  Shape shape_;
  std::vector<std::unique_ptr<Workspace>> workspaces_;  ///< one for each engine
  std::array<ArmSetup, 2> arms_;
  Bystanders bystanders_;
  ResponderCrew crew_;
  std::optional<ProbeWalk> walk_;  ///< the initiator's
  std::uint64_t clock_overhead_ns_;
  std::uint64_t tag_ = 0;
  Account account_;
};

}  // namespace tlblab
