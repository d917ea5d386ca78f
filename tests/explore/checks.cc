// SPDX-License-Identifier: GPL-2.0-only
// A scenario's check. A sound one is searched exhaustively: with the reduction and, if it is not
// too large, again without, which counts the interleavings and confirms the reduction.
#include "tests/explore/checks.hh"

#include <algorithm>
#include <cstdio>

#include "tests/explore/counterexample.hh"
#include "tests/explore/schedule.hh"

namespace tlblab::explore {

namespace {

// A fault that needs more preemptions than this is not found.
constexpr u32 kMostPreemptions = 4;
constexpr u64 kMostStates = 30'000'000;
// With more states the interleavings are not counted.
constexpr u64 kMostCounted = 200'000;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), value < 1e7 ? "%.0f" : "%.1e", value);
  return text;
}

std::string preemptions(u32 nr) {
  return std::to_string(nr) + (nr == 1 ? " preemption" : " preemptions");
}

Outcome failed_with_trace(Machine& machine, const Scenario& scenario, const SearchResult& result) {
  const Counterexample counterexample =
      write_counterexample(machine, scenario, result.trace, result.violation);
  return {.verdict = std::string(violation_name(result.violation)) + ", but it should be sound",
          .counterexample = counterexample.text,
          .states = static_cast<double>(result.states),
          .steps = static_cast<double>(result.steps)};
}

Outcome check_bounded(const Scenario& scenario, u32 bound) {
  Machine machine(scenario.config, scenario.bodies);
  const SearchResult result = search(machine, {.preemptions = bound, .most_states = kMostStates});
  if (result.violation != Violation::kNone) return failed_with_trace(machine, scenario, result);
  const auto states = static_cast<double>(result.states);
  const std::string found = "no violation in " + number(states) + " states";
  return {.passed = !result.gave_up,
          .verdict = result.gave_up ? found + "; gave up: too many"
                                    : found + ", at most " + preemptions(bound),
          .states = states,
          .steps = static_cast<double>(result.steps)};
}

Outcome check_sound(const Scenario& scenario, const CheckOptions& options) {
  if (scenario.bound != kAllPreemptions && options.bound != kAllPreemptions) {
    return check_bounded(scenario, std::max(scenario.bound, options.bound));
  }
  Machine machine(scenario.config, scenario.bodies);
  const SearchResult reduced = search(machine, {.most_states = kMostStates});
  if (reduced.violation != Violation::kNone) return failed_with_trace(machine, scenario, reduced);
  Outcome outcome = {.states = static_cast<double>(reduced.states),
                     .steps = static_cast<double>(reduced.steps)};
  const std::string states = number(outcome.states) + " states";
  if (reduced.gave_up) {
    outcome.verdict = "no violation in " + states + "; gave up: too many";
    return outcome;
  }
  outcome.passed = true;
  outcome.verdict = "no violation in " + states + ", every interleaving";
  if (reduced.states > kMostCounted) return outcome;
  const SearchResult full = search(machine, {.reduce = false, .most_states = kMostStates});
  outcome.states += static_cast<double>(full.states);
  outcome.steps += static_cast<double>(full.steps);
  outcome.passed = full.violation == Violation::kNone && full.states == reduced.states &&
                   full.ends_digest == reduced.ends_digest;
  outcome.verdict = outcome.passed ? "no violation in " + number(full.interleavings) +
                                         " interleavings (" + states + "), all"
                                   : "the reduction disagrees with the full search";
  return outcome;
}

Outcome check_fault(const Scenario& scenario, const CheckOptions& options) {
  Machine machine(scenario.config, scenario.bodies);
  const u32 most =
      options.bound == kAllPreemptions ? 64 : std::max(kMostPreemptions, options.bound);
  const Found found = find_fewest(machine, most, kMostStates);
  Outcome outcome = {.states = static_cast<double>(found.result.states),
                     .steps = static_cast<double>(found.result.steps)};
  if (found.result.violation == Violation::kNone) {
    outcome.verdict = "NOT FOUND with up to " + preemptions(most);
    return outcome;
  }
  const Trace& trace = found.result.trace;
  const Counterexample counterexample =
      write_counterexample(machine, scenario, trace, found.result.violation);
  const GuestSchedule guest = guest_schedule(machine, scenario, trace, found.result.violation);
  outcome.passed = found.result.violation == scenario.expected;
  outcome.verdict = std::string(outcome.passed ? "found: " : "found another: ") +
                    violation_name(found.result.violation) + ", " + preemptions(found.preemptions) +
                    ", " + (guest.schedule ? "guest" : "explorer only: " + guest.explorer_only);
  outcome.counterexample = counterexample.text;
  return outcome;
}

std::vector<Scenario> all_scenarios() {
  std::vector<Scenario> scenarios;
  for (const auto& part : {gather_scenarios(), broadcast_scenarios(), safety_scenarios(),
                           protocol_scenarios(), fault_scenarios(), mutant_scenarios()}) {
    scenarios.insert(scenarios.end(), part.begin(), part.end());
  }
  return scenarios;
}

}  // namespace

std::string all_schedules() {
  std::string text;
  for (const Scenario& scenario : all_scenarios()) {
    if (scenario.kind == Kind::kSound || scenario.requests.empty()) continue;
    Machine machine(scenario.config, scenario.bodies);
    const SearchResult found = find_fewest(machine, kMostPreemptions, kMostStates).result;
    if (found.violation != scenario.expected) continue;
    const GuestSchedule guest = guest_schedule(machine, scenario, found.trace, found.violation);
    if (guest.schedule) text += text_of(scenario, *guest.schedule);
  }
  return text;
}

std::vector<Check> all_checks() {
  const std::vector<Scenario> scenarios = all_scenarios();
  std::vector<Check> checks;
  for (const Kind kind : {Kind::kSound, Kind::kFault, Kind::kMutant}) {
    for (const Scenario& scenario : scenarios) {
      if (scenario.kind != kind) continue;
      checks.push_back({.name = scenario.name,
                        .about = scenario.about,
                        .is_mutant = kind == Kind::kMutant,
                        .run = [scenario](const CheckOptions& options) {
                          return scenario.kind == Kind::kSound ? check_sound(scenario, options)
                                                               : check_fault(scenario, options);
                        }});
    }
  }
  for (Check& check : self_checks(scenarios)) checks.push_back(std::move(check));
  return checks;
}

}  // namespace tlblab::explore
