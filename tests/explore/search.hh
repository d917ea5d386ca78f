// SPDX-License-Identifier: GPL-2.0-only
// The search: every order of a machine's steps, depth first.
//
// Exhaustive: every state is visited; sleep sets (Godefroid 1996) leave out orders that differ only
// by swapping independent steps. They visit the same states by fewer steps, so what is checked in
// each state is not weakened. Together with the table of seen states, each state remembers which
// steps were left out there; when it is reached again with fewer to leave out, the rest is taken
// then.
//
// Bounded: at most so many preemptions, which are switches from a fibre that could go on to another
// fibre; what hardware does is never counted. No reduction: swapping steps can cost preemptions.
// The fewest are found by deepening, 0, 1, 2 and so on.
//
// The number of interleavings is counted where nothing is reduced: of a state it is the sum over
// the states that come next, because no step leads back to a state that was seen on the way.
//
// States are identified by 64 bits of hash: among S states two collide with a probability of about
// S * S / 2^65, three in a million at ten million.
#pragma once

#include <vector>

#include "tests/explore/machine.hh"

namespace tlblab::explore {

inline constexpr u32 kAllPreemptions = ~u32{0};

struct SearchOptions {
  u32 preemptions = kAllPreemptions;  ///< at most; kAllPreemptions: exhaustive
  bool reduce = true;                 ///< sleep sets; only when exhaustive
  u64 most_states = 30'000'000;       ///< then give up
  bool collect = false;               ///< go on after violations, and gather what was seen
  bool blind_reduction = false;       ///< a wrong reduction: every two steps are independent
};

using Trace = std::vector<StepId>;

struct SearchResult {
  Violation violation = Violation::kNone;
  Trace trace;               ///< to the violation
  u64 states = 0;            ///< different ones
  u64 steps = 0;             ///< taken
  double interleavings = 0;  ///< orders of all steps; exhaustive without reduction only
  u64 ends = 0;              ///< different states in which all fibres were done
  u64 ends_digest = 0;       ///< of the end states
  u32 violations = 0;        ///< collect: mask of enum Violation
  bool gave_up = false;      ///< most_states was reached
};

SearchResult search(Machine& machine, const SearchOptions& options);

struct Found {
  SearchResult result;  ///< its trace is minimised
  u32 preemptions = 0;
};

/// The violation with the fewest preemptions, up to `most`, its trace shortened as far as leaving
/// out steps can. Without a violation: of the search with `most`.
Found find_fewest(Machine& machine, u32 most, u64 most_states);

/// From the beginning to an end or a violation, in an order that `seed` gives, not 0, which it
/// moves on. Returns how many steps it took.
u64 random_walk(Machine& machine, u64& seed);

/// Takes the steps of a trace from the beginning, leaving out those that can't be taken. Returns
/// what was taken, up to the violation if there is one, and its preemptions.
struct Replay {
  Trace trace;
  Violation violation = Violation::kNone;
  u32 preemptions = 0;
};
Replay replay(Machine& machine, const Trace& trace);

}  // namespace tlblab::explore
