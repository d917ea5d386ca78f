// SPDX-License-Identifier: GPL-2.0-only
// The account of the cell's flushes per operation: expected, requested, sent, handled, unknown.
#include "user/report/document/account.hh"

#include <fmt/format.h>

#include <cmath>

#include "include/tlblab/catalogue.hh"
#include "user/analysis/account_check.hh"
#include "user/report/document/format.hh"

namespace tlblab::report {
namespace {

constexpr const char* kUnknown = "unknown";
constexpr const char* kNeedsModule =
    "user space sees no target of a send to several CPUs; the module will";

const CountMean* find(const CountMeans& counts, const char* event) {
  const auto at = counts.find(event);
  return at == counts.end() ? nullptr : &at->second;
}

/// "16", or "15.98 (15 to 16)" when operations differed.
std::string text(const CountMean* count) {
  if (count == nullptr) return kUnknown;
  if (count->min == count->max) return report::count(count->min);
  return fmt::format("{} ({} to {})", significant(count->mean), count->min, count->max);
}

std::string text(const std::optional<std::uint64_t>& value) {
  return value ? report::count(*value) : kUnknown;
}

/// Where that is so, other CPUs are told in hardware, and none is named as a target.
bool counted_barriers(const ArmResult& arm) {
  return find(arm.engine_account, "dsb_ish") != nullptr;
}

class Account {
 public:
  explicit Account(const CellResult& cell) : cell_(cell) {}

  std::vector<AccountLine> lines() {
    add_expected();
    if (!cell_.a.engine_account.empty() || !cell_.b.engine_account.empty()) add_inside();
    add_requests_seen();
    add_side("of these, whole address space", &ArmResult::initiator_counts,
             "tlb_flush.local_mm.full", "tracepoint tlb:tlb_flush, all pages, initiator");
    const auto bound_a = most_targets(cell_.a, cell_.plan.nr_responders);
    const auto bound_b = most_targets(cell_.b, cell_.plan.nr_responders);
    const bool barriers = counted_barriers(cell_.a) || counted_barriers(cell_.b);
    lines_.push_back({"targets, at most", text(bound_a), text(bound_b),
                      barriers ? "flushes are broadcast in hardware: no CPU is named as a target"
                               : "requests x responders: all of them spin in this address space"});
    if (!cell_.a.engine_account.empty() || !cell_.b.engine_account.empty()) add_targets_inside();
    add_side("requests that named other CPUs", &ArmResult::initiator_counts,
             "tlb_flush.remote_send", "tracepoint tlb:tlb_flush, remote IPI send, initiator");
    add_side("sent, to one CPU", &ArmResult::initiator_counts, "ipi_send_cpu",
             "tracepoint ipi:ipi_send_cpu, initiator");
    add_side("sent, to several CPUs at once", &ArmResult::initiator_counts, "ipi_send_cpumask",
             "tracepoint ipi:ipi_send_cpumask, initiator: sendings, not targets");
    if (cell_.plan.nr_responders > 0) {
      add_handled();
      add_differences();
    }
    add_disturbances();
    return std::move(lines_);
  }

 private:
  void add_expected() {
    lines_.push_back(
        {"requests, expected", text(cell_.a.expected_requests), text(cell_.b.expected_requests),
         fmt::format("A: {}. B: {}", cell_.a.expectation_note, cell_.b.expectation_note)});
  }

  /// What the engine counted itself. Where a number is due, every operation must show just that.
  /// Targets follow later: there is a bound for them.
  void add_inside() {
    for (const catalogue::Term& term : catalogue::kTerms) {
      const bool is_time = term.counted == catalogue::Counted::kTimed;  // see phases_table()
      if (term.field == &tlblab_account::targets || is_time) continue;
      if (find(cell_.a.engine_account, term.name) == nullptr &&
          find(cell_.b.engine_account, term.name) == nullptr) {
        continue;
      }
      add_side(term.label, &ArmResult::engine_account, term.name,
               "the module's own account of the operation");
      lines_.back().agrees = is_due(cell_.a, term.name) && is_due(cell_.b, term.name);
    }
  }

  static bool is_due(const ArmResult& arm, const char* key) {
    const CountMean* seen = find(arm.engine_account, key);
    const auto due = arm.expected_account.find(key);
    if (seen == nullptr || due == arm.expected_account.end()) return true;
    return seen->min == due->second && seen->max == due->second;
  }

  /// CPUs in the address space's mask at each request: no more than responders are there.
  void add_targets_inside() {
    add_side("targets, inside", &ArmResult::engine_account, "targets",
             "the module: other CPUs in the mask at each request, summed");
    const auto within = [&](const ArmResult& arm) {
      const CountMean* targets = find(arm.engine_account, "targets");
      const auto limit = most_targets(arm, cell_.plan.nr_responders);
      return targets == nullptr || !limit || targets->max <= *limit;
    };
    lines_.back().agrees = within(cell_.a) && within(cell_.b);
  }

  /// Requests are exact (docs/methods.md): every operation must show just the expected number.
  void add_requests_seen() {
    add_side("requests, seen", &ArmResult::initiator_counts, "tlb_flush.local_mm",
             "tracepoint tlb:tlb_flush, local MM shootdown, initiator");
    lines_.back().agrees = requests_agree(cell_.a) && requests_agree(cell_.b);
  }

  void add_side(const char* term, CountMeans ArmResult::*side, const char* event,
                const char* source) {
    const CountMean* a = find(cell_.a.*side, event);
    const CountMean* b = find(cell_.b.*side, event);
    lines_.push_back({term, text(a), text(b), source});
  }

  void add_handled() {
    // Other parts of the kernel send function calls too, so these may exceed the bound.
    add_side("handled, interrupts to one CPU", &ArmResult::responder_counts,
             "call_function_single_entry",
             "tracepoint irq_vectors:call_function_single_entry, responders");
    add_side("handled, interrupts to several", &ArmResult::responder_counts, "call_function_entry",
             "tracepoint irq_vectors:call_function_entry, responders");
    add_bounded("handled, flush functions run", "TLB", "/proc/interrupts, row TLB, responders");
    add_bounded("handled, flushes carried out", "tlb_flush.remote",
                "tracepoint tlb:tlb_flush, remote shootdown, responders");
    lines_.push_back({"interruptions seen", significant(cell_.a.interrupts_seen),
                      significant(cell_.b.interrupts_seen),
                      "gaps in the responders' loops, timing pass (any interrupt counts)"});
  }

  /// The terms that no counter shows, as far as two counters bound them. Sends are known per
  /// target only when there is one.
  void add_differences() {
    const bool one = cell_.plan.nr_responders == 1;
    if (find(cell_.a.engine_account, "targets") != nullptr ||
        find(cell_.b.engine_account, "targets") != nullptr) {
      add_difference("targets that ran no flush: lazy, or left to the hypervisor", true,
                     {&ArmResult::engine_account, "targets"}, {&ArmResult::responder_counts, "TLB"},
                     "targets inside, less flush functions run");
    }
    add_difference("not sent: lazy CPU, or left to the hypervisor", one,
                   {&ArmResult::initiator_counts, "tlb_flush.remote_send"},
                   {&ArmResult::initiator_counts, "ipi_send_cpu"},
                   "requests that named other CPUs, less interrupts sent (one responder)");
    add_difference("coalesced with one under way", one, {&ArmResult::responder_counts, "TLB"},
                   {&ArmResult::initiator_counts, "ipi_send_cpu"},
                   "flush functions run, less interrupts sent (one responder)");
    add_difference("skipped by generation", true, {&ArmResult::responder_counts, "TLB"},
                   {&ArmResult::responder_counts, "tlb_flush.remote"},
                   "flush functions run, less flushes carried out");
  }

  /// An operation owes none of these; they say what else happened in its window.
  void add_disturbances() {
    add_side("page faults, initiator", &ArmResult::initiator_counts, "page-faults",
             "software event of the initiator's thread");
    add_side("context switches, initiator", &ArmResult::initiator_counts, "context-switches",
             "software event of the initiator's thread");
    if (cell_.plan.nr_responders == 0) return;
    add_side("page faults, responders", &ArmResult::responder_counts, "page-faults",
             "software event, summed over responders");
    add_side("context switches, responders", &ArmResult::responder_counts, "context-switches",
             "software event, summed over responders");
  }

  struct Term {
    CountMeans ArmResult::*side;
    const char* event;
  };

  /// `minuend` less `subtrahend`, per operation on average. Less than nothing is a contradiction.
  void add_difference(const char* name, bool possible, Term minuend, Term subtrahend,
                      const char* source) {
    AccountLine line{name, kUnknown, kUnknown, possible ? source : kNeedsModule};
    for (const auto& [arm, shown] : {std::pair{&cell_.a, &line.a}, {&cell_.b, &line.b}}) {
      const CountMean* all = find(arm->*minuend.side, minuend.event);
      const CountMean* part = find(arm->*subtrahend.side, subtrahend.event);
      if (!possible || all == nullptr || part == nullptr) continue;
      const double left = all->mean - part->mean;
      *shown = significant(left);
      line.agrees &= left >= -1e-9;
    }
    lines_.push_back(std::move(line));
  }

  /// Operations may not have more flushes handled than targets.
  void add_bounded(const char* term, const char* event, const char* source) {
    add_side(term, &ArmResult::responder_counts, event, source);
    const auto within = [&](const ArmResult& arm) {
      return within_targets(arm, event, cell_.plan.nr_responders);
    };
    lines_.back().agrees = within(cell_.a) && within(cell_.b);
  }

  const CellResult& cell_;
  std::vector<AccountLine> lines_;
};

}  // namespace

std::vector<AccountLine> account(const CellResult& cell) { return Account(cell).lines(); }

}  // namespace tlblab::report
