// SPDX-License-Identifier: GPL-2.0-only
// The terms between a flush request and its flushes that follow from several counts.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "user/analysis/analysis.hh"

namespace tlblab {

/// A count of one side of an arm, `factor` times.
struct Part {
  CountMeans ArmResult::*side;
  const char* event;
  double factor = 1;
  bool may_lack = false;  ///< one that some kernels don't have: left out there
};

/// A sum of counts. None of these can be less than nothing.
struct DerivedTerm {
  std::string label;
  const char* source;
  std::vector<Part> parts;
};

/// Per operation.
struct Derived {
  double mean = 0;
  bool impossible = false;  ///< less than nothing: the counts contradict each other
};

/// Empty where a part is unknown. Parts that come from different trials contradict nothing.
std::optional<Derived> derive(const ArmResult& arm, const DerivedTerm& term);

/// Whether calls between CPUs were counted by function, so that the terms below can be had.
bool counts_functions(const CellResult& cell);

/// The terms of the account of `cell`, in the order of a request's way. Of each, whether A or B has
/// it depends on the machine.
struct Deliveries {
  DerivedTerm unseen;        ///< requests that passed no tracepoint
  DerivedTerm targeted;      ///< requests that named other CPUs, times responders
  DerivedTerm skipped;       ///< of these, not queued
  DerivedTerm elsewhere;     ///< queued for CPUs other than the responders'
  DerivedTerm sent;          ///< interrupts to responders
  DerivedTerm coalesced;     ///< functions queued for responders without an interrupt
  DerivedTerm interrupts;    ///< handled on responders
  DerivedTerm by_others;     ///< flush functions run on responders that were none of these
  DerivedTerm on_arrival;    ///< flush functions run that had nothing to do
  DerivedTerm syncs_others;  ///< table-free synchronisations run that were none of these
  DerivedTerm functions;     ///< other functions run on responders
};
Deliveries deliveries_of(const CellResult& cell);

/// The first of them that the counts of an arm contradict, "coalesced (-1 per operation)"; empty:
/// none.
std::string impossible_delivery(const CellResult& cell, const ArmResult& arm);

}  // namespace tlblab
