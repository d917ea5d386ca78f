// SPDX-License-Identifier: GPL-2.0-only
// Depth-first search with undo: before a step the machine's state is copied, and the stack of the
// fibre that moves, if one does; after it both are put back. No prefix is run twice.
#include "tests/explore/search.hh"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "tests/explore/seen.hh"

namespace tlblab::explore {

namespace {

constexpr std::size_t kUndoBytes = std::size_t{64} << 20;

class Search {
 public:
  Search(Machine& machine, const SearchOptions& options)
      : machine_(machine),
        options_(options),
        bounded_(options.preemptions != kAllPreemptions),
        reducing_(!bounded_ && options.reduce),
        counting_(!bounded_ && !options.reduce),
        undo_(new std::byte[kUndoBytes]) {}

  SearchResult run() {
    machine_.reset();
    visit(0, options_.preemptions);
    result_.states = seen_.size();
    if (counting_ && !result_.gave_up) result_.interleavings = below_;
    return result_;
  }

 private:
  /// Explores everything from the present state. `sleep`: steps that need not be taken here.
  /// `budget`: preemptions left. True: stop, there is a result. If it counts, below_ is the number
  /// of interleavings from here.
  bool visit(u64 sleep, u32 budget) {
    // What is remembered of a state: exhaustive, the steps left out there, or the interleavings
    // from there if it counts; bounded, the budget that it was explored with, as what was spent. A
    // step that may be left out can be taken: those since don't touch what it depends on.
    const u64 key = machine_.key(bounded_);
    const u64 note = bounded_ ? options_.preemptions - budget : sleep;
    const auto [slot, is_new] = seen_.insert(key, note);
    u64 again = ~u64{0};
    if (!is_new) {
      const u64 before = *slot;
      if (counting_) {
        below_ = std::bit_cast<double>(before);
        return false;
      }
      if (bounded_) {
        if (before <= note) return false;
        *slot = note;
      } else {
        again = before & ~sleep;
        *slot = before & sleep;
        if (again == 0) return false;
      }
    } else if (seen_.size() >= options_.most_states) {
      result_.gave_up = true;
      return true;
    }
    const u64 enabled = machine_.enabled();
    if (enabled == 0) {
      below_ = 1;
      if (counting_) seen_.note(key) = std::bit_cast<u64>(below_);
      if (!machine_.finished()) return violated(Violation::kDeadlock);
      if (is_new) {
        ++result_.ends;
        result_.ends_digest += machine_.key(false);
      }
      return false;
    }
    u64 todo = enabled & again & ~sleep;
    double count = 0;
    for (; todo != 0; todo &= todo - 1) {
      const auto id = static_cast<StepId>(std::countr_zero(todo));
      u32 left = budget;
      if (bounded_ && machine_.preempts(id, enabled)) {
        if (left == 0) continue;
        --left;
      }
      if (take(id, reducing_ ? independent_of(id, sleep) : 0, left)) return true;
      count += below_;
      sleep |= u64{1} << id;
    }
    below_ = count;
    if (counting_) seen_.note(key) = std::bit_cast<u64>(count);
    return false;
  }

  bool take(StepId id, u64 child_sleep, u32 budget) {
    const State before = machine_.state;
    std::byte* const undo = undo_.get() + undo_used_;
    std::byte* sp = nullptr;
    std::size_t nr_bytes = 0;
    if (id < kDrainStep) {
      const Fibre& fibre = machine_.fibre(id);
      sp = fibre.stack_pointer();
      nr_bytes = fibre.stack_used();
      if (undo_used_ + nr_bytes > kUndoBytes) std::abort();  // deeper than any scenario goes
      std::memcpy(undo, sp, nr_bytes);
      undo_used_ += nr_bytes;
    }
    trace_.push_back(id);
    machine_.step(id);
    ++result_.steps;
    bool stop = false;
    if (machine_.state.violation != Violation::kNone) {
      below_ = 1;
      stop = violated(machine_.state.violation);
    } else {
      stop = visit(child_sleep, budget);
    }
    if (stop) return true;
    trace_.pop_back();
    if (sp != nullptr) {
      machine_.fibre(id).set_stack_pointer(sp);
      std::memcpy(sp, undo, nr_bytes);
      undo_used_ -= nr_bytes;
    }
    machine_.state = before;
    return false;
  }

  [[nodiscard]] u64 independent_of(StepId id, u64 steps) const {
    if (steps == 0 || options_.blind_reduction) return steps;
    const Footprint mine = machine_.footprint(id);
    u64 result = 0;
    for (u64 rest = steps; rest != 0; rest &= rest - 1) {
      const auto other = static_cast<StepId>(std::countr_zero(rest));
      if (are_independent(mine, machine_.footprint(other))) result |= u64{1} << other;
    }
    return result;
  }

  bool violated(Violation violation) {
    result_.violations |= 1U << static_cast<u32>(violation);
    if (options_.collect) return false;
    result_.violation = violation;
    result_.trace = trace_;
    return true;
  }

  Machine& machine_;
  const SearchOptions& options_;
  bool bounded_;
  bool reducing_;
  bool counting_;
  double below_ = 0;
  Seen seen_;
  SearchResult result_;
  Trace trace_;
  std::unique_ptr<std::byte[]> undo_;
  std::size_t undo_used_ = 0;
};

/// Makes each store visible as early as the violation allows, so that a late store matters.
Replay hasten(Machine& machine, Replay best) {
  for (std::size_t from = 1; from < best.trace.size(); ++from) {
    const StepId id = best.trace[from];
    if (id < kDrainStep || id >= kDeliverStep) continue;
    for (std::size_t to = 0; to < from; ++to) {
      Trace earlier = best.trace;
      earlier.erase(earlier.begin() + static_cast<std::ptrdiff_t>(from));
      earlier.insert(earlier.begin() + static_cast<std::ptrdiff_t>(to), id);
      const Replay tried = replay(machine, earlier);
      if (tried.violation != best.violation || tried.preemptions > best.preemptions ||
          tried.trace != earlier) {
        continue;
      }
      best = tried;
      break;
    }
  }
  return best;
}

/// Leaves out steps as long as the violation stays, and the preemptions don't grow.
Replay minimise(Machine& machine, const Trace& trace) {
  Replay best = hasten(machine, replay(machine, trace));
  for (bool shorter = true; shorter;) {
    shorter = false;
    for (std::size_t i = best.trace.size(); i-- > 0;) {
      if (i >= best.trace.size()) continue;
      Trace without = best.trace;
      without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
      const Replay tried = replay(machine, without);
      if (tried.violation == best.violation && tried.preemptions <= best.preemptions &&
          tried.trace.size() < best.trace.size()) {
        best = tried;
        shorter = true;
      }
    }
  }
  return hasten(machine, best);
}

}  // namespace

SearchResult search(Machine& machine, const SearchOptions& options) {
  return Search(machine, options).run();
}

u64 random_walk(Machine& machine, u64& seed) {
  machine.reset();
  u64 nr_steps = 0;
  for (u64 enabled = machine.enabled(); enabled != 0; enabled = machine.enabled()) {
    seed ^= seed << 13;  // Marsaglia's xorshift
    seed ^= seed >> 7;
    seed ^= seed << 17;
    const auto turn = static_cast<int>(seed % kStepIds);
    const int first = std::countr_zero(std::rotr(enabled, turn));
    machine.step(static_cast<StepId>((first + turn) % static_cast<int>(kStepIds)));
    ++nr_steps;
    if (machine.state.violation != Violation::kNone) break;
  }
  return nr_steps;
}

Replay replay(Machine& machine, const Trace& trace) {
  Replay result;
  machine.reset();
  for (const StepId id : trace) {
    const u64 enabled = machine.enabled();
    if ((enabled >> id & 1) == 0) continue;
    if (machine.preempts(id, enabled)) ++result.preemptions;
    machine.step(id);
    result.trace.push_back(id);
    result.violation = machine.state.violation;
    if (result.violation != Violation::kNone) return result;
  }
  if (machine.enabled() == 0 && !machine.finished()) result.violation = Violation::kDeadlock;
  return result;
}

Found find_fewest(Machine& machine, u32 most, u64 most_states) {
  Found found;
  u64 states = 0;
  u64 steps = 0;
  const u8 speculating = machine.config().speculating;
  const auto others = static_cast<u8>(speculating & ~((1U << machine.nr_fibres()) - 1));
  // Among those with so many preemptions, prefer one without speculation and late stores: a guest
  // can show it.
  struct Way {
    u8 speculating;
    bool prompt_stores;
  };
  const Way ways[] = {{others, true}, {others, false}, {speculating, false}};
  bool done = false;
  for (u32 preemptions = 0; preemptions <= most && !done; ++preemptions) {
    for (const Way& way : ways) {
      machine.set_speculating(way.speculating);
      machine.set_prompt_stores(way.prompt_stores);
      found.result = search(machine, {.preemptions = preemptions, .most_states = most_states});
      found.preemptions = preemptions;
      states += found.result.states;
      steps += found.result.steps;
      done = found.result.violation != Violation::kNone || found.result.gave_up;
      if (done) break;
    }
  }
  if (found.result.violation != Violation::kNone) {
    const Replay shortest = minimise(machine, found.result.trace);
    found.result.trace = shortest.trace;
    found.preemptions = shortest.preemptions;
  }
  found.result.states = states;
  found.result.steps = steps;
  machine.set_speculating(speculating);
  machine.set_prompt_stores(false);
  return found;
}

}  // namespace tlblab::explore
