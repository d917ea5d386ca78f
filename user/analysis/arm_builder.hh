// SPDX-License-Identifier: GPL-2.0-only
// Gathers one arm of a cell over all its sessions, a trial at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "user/analysis/account_check.hh"
#include "user/analysis/analysis.hh"
#include "user/analysis/latency_histogram.hh"
#include "user/analysis/quantity.hh"
#include "user/analysis/side_counts.hh"
#include "user/model/expectation.hh"
#include "user/records/count.hh"

namespace tlblab {

/// What is asked of each arm.
struct ArmQuantities {
  Quantity ln_latency;
  Quantity stolen;
};

/// Points of an arm's thinned ECDF: (latency_ns, cumulative share).
using Ecdf = std::vector<std::pair<double, double>>;

class ArmBuilder {
 public:
  ArmBuilder(Arm arm, const std::string& scheme, const CellPlan& plan);

  void expect(const Expectation& expected);
  /// A block's sums over its operations, lead-ins too.
  void add_account(const Account& sums, std::size_t nr_operations);
  /// Of either arm: the other one's are passed over.
  void add(const Trial& trial);
  void add(const records::CountTrial& trial);

  /// What the account has that it must not, over every operation; empty: nothing.
  [[nodiscard]] std::string miscount() const;

  ArmResult finish(const ArmQuantities& quantities, bool has_responders, Ecdf& ecdf);

 private:
  Arm arm_;
  bool timed_;
  ArmResult result_;
  AccountCheck account_check_;
  SideCountsBuilder counts_;
  std::size_t nr_counted_ = 0;
  LatencyHistogram latencies_;
  std::vector<double> counting_latencies_;
  std::uint64_t interrupts_ = 0;
};

}  // namespace tlblab
