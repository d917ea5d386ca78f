// SPDX-License-Identifier: GPL-2.0-only
// The explorer against itself: each reduction that rests on an argument is compared with a search
// without it, on every small model, faulty ones included.

#include "tests/explore/checks.hh"
#include "tests/explore/counterexample.hh"
#include "tests/explore/schedule.hh"

namespace tlblab::explore {

namespace {

// Models that are compared have at most so many states.
constexpr u64 kSmall = 20'000;
// Preemptions up to which faults are searched for.
constexpr u32 kFewest = 4;
// Steps of the random walks.
constexpr u32 kWalks = 200;

using Models = std::vector<Scenario>;

SearchResult collect(const Scenario& scenario, bool reduce, bool blind = false) {
  Machine machine(scenario.config, scenario.bodies);
  return search(machine, {.reduce = reduce, .collect = true, .blind_reduction = blind});
}

/// Models that a search without reduction gets through quickly.
Models small_models(const Models& all, bool sound) {
  Models small;
  for (const Scenario& scenario : all) {
    if ((scenario.kind == Kind::kSound) != sound || scenario.bound != kAllPreemptions) continue;
    Machine machine(scenario.config, scenario.bodies);
    if (!search(machine, {.most_states = kSmall, .collect = true}).gave_up) {
      small.push_back(scenario);
    }
  }
  return small;
}

Outcome agreement(u32 agree, u32 differ, const std::string& last) {
  return {.passed = differ == 0 && agree != 0,
          .verdict = std::to_string(agree) + " models agree, " + std::to_string(differ) +
                     " differ" + (last.empty() ? "" : ", last " + last)};
}

template <class Agrees>
Outcome compare(const Models& models, Agrees agrees) {
  u32 nr_agree = 0;
  u32 nr_differ = 0;
  std::string last;
  for (const Scenario& scenario : models) {
    if (agrees(scenario)) {
      ++nr_agree;
    } else {
      ++nr_differ;
      last = scenario.name;
    }
  }
  return agreement(nr_agree, nr_differ, last);
}

bool reduction_agrees(const Scenario& scenario) {
  const SearchResult reduced = collect(scenario, true);
  const SearchResult full = collect(scenario, false);
  if (reduced.violations != full.violations) return false;
  // What comes after a violation is not explored, so that faulty models may differ in it.
  return full.violations != 0 ||
         (reduced.states == full.states && reduced.ends_digest == full.ends_digest);
}

bool split_walks_agree(Scenario scenario) {
  scenario.config.split_walks = true;
  const SearchResult split = collect(scenario, true);
  scenario.config.split_walks = false;
  return split.violations == collect(scenario, true).violations;
}

bool deepening_agrees(const Scenario& scenario) {
  Machine machine(scenario.config, scenario.bodies);
  const SearchResult bounded = search(machine, {.preemptions = 1000, .collect = true});
  return bounded.violations == collect(scenario, true).violations;
}

/// What was found by undoing steps must happen when it is run from the beginning, and the
/// counterexample must be the same the second time.
bool replays(const Scenario& scenario) {
  Machine machine(scenario.config, scenario.bodies);
  const SearchResult result = search(machine, {});
  if (result.violation == Violation::kNone) return false;
  const Replay again = replay(machine, result.trace);
  if (again.violation != result.violation || again.trace != result.trace) return false;
  Machine other(scenario.config, scenario.bodies);
  return write_counterexample(machine, scenario, result.trace, result.violation).text ==
         write_counterexample(other, scenario, search(other, {}).trace, result.violation).text;
}

/// A schedule without one of its steps can't be followed, or shows nothing.
bool needs_every_step(const Scenario& scenario) {
  Machine machine(scenario.config, scenario.bodies);
  const SearchResult found = find_fewest(machine, kFewest, kSmall).result;
  const GuestSchedule guest = guest_schedule(machine, scenario, found.trace, found.violation);
  if (!guest.schedule) return false;
  for (std::size_t i = 0; i < guest.schedule->steps.size(); ++i) {
    Schedule without = *guest.schedule;
    without.steps.erase(without.steps.begin() + static_cast<std::ptrdiff_t>(i));
    if (follow(machine, without, found.violation)) return false;
  }
  return true;
}

/// Those with a counterexample that a guest can replay.
Models replayed_models(const Models& all) {
  Models models;
  for (const Scenario& scenario : all) {
    if (scenario.kind == Kind::kSound || scenario.requests.empty()) continue;
    Machine machine(scenario.config, scenario.bodies);
    const SearchResult found = find_fewest(machine, kFewest, kSmall).result;
    const GuestSchedule guest = guest_schedule(machine, scenario, found.trace, found.violation);
    if (guest.schedule) models.push_back(scenario);
  }
  return models;
}

/// Random orders of a sound model, as a check that shares nothing with the search.
bool random_walks_are_sound(const Scenario& scenario) {
  Machine machine(scenario.config, scenario.bodies);
  u64 seed = 0x9e3779b97f4a7c15;
  for (u32 walk = 0; walk < kWalks; ++walk) {
    random_walk(machine, seed);
    if (machine.state.violation != Violation::kNone || !machine.finished()) return false;
  }
  return true;
}

}  // namespace

std::vector<Check> self_checks(const std::vector<Scenario>& scenarios) {
  const auto on = [&](const char* name, const char* about, bool sound, auto agrees) {
    return Check{
        .name = std::string("self:") + name, .about = about, .run = [=](const CheckOptions&) {
          return compare(small_models(scenarios, sound), agrees);
        }};
  };
  std::vector<Check> checks;
  checks.push_back(on("reduction-on-sound", "same states and ends with and without sleep sets",
                      true, reduction_agrees));
  checks.push_back(on("reduction-on-faults", "same violations with and without sleep sets", false,
                      reduction_agrees));
  checks.push_back(on("split-walks-on-sound", "a walk in one step or two: no violation", true,
                      split_walks_agree));
  checks.push_back(on("split-walks-on-faults", "a walk in one step or two: same violations", false,
                      split_walks_agree));
  checks.push_back(on("deepening", "the bounded search, with a bound that never binds: the same",
                      false, deepening_agrees));
  checks.push_back(on("replay", "what is found happens again, and is written in the same words",
                      false, replays));
  checks.push_back({.name = "self:schedules",
                    .about = "a guest's schedule shows nothing without any one of its steps",
                    .run = [=](const CheckOptions&) {
                      return compare(replayed_models(scenarios), needs_every_step);
                    }});
  checks.push_back(
      on("random-walks", "random orders of sound models", true, random_walks_are_sound));
  checks.push_back(
      {.name = "self:wrong-reduction-differs",
       .about = "a reduction that takes all steps for independent must not agree",
       .run = [=](const CheckOptions&) {
         u32 nr = 0;
         for (const Scenario& scenario : small_models(scenarios, false)) {
           if (collect(scenario, true, true).violations != collect(scenario, false).violations) {
             ++nr;
           }
         }
         return Outcome{.passed = nr != 0, .verdict = "seen on " + std::to_string(nr) + " models"};
       }});
  return checks;
}

}  // namespace tlblab::explore
