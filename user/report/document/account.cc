// SPDX-License-Identifier: GPL-2.0-only
// The account of the cell's flushes per operation: expected, requested, sent, handled, unknown.
#include "user/report/document/account.hh"

#include <fmt/format.h>

#include "include/tlblab/catalogue.hh"
#include "user/analysis/account_check.hh"
#include "user/report/document/account_deliveries.hh"
#include "user/report/document/account_lines.hh"

namespace tlblab::report {
namespace {

/// Where that is so, other CPUs are told in hardware, and none is named as a target.
bool counted_barriers(const ArmResult& arm) {
  return find_count(arm.engine_account, "dsb_ish") != nullptr;
}

bool is_due(const ArmResult& arm, const char* key) {
  const CountMean* seen = find_count(arm.engine_account, key);
  const auto due = arm.expected_account.find(key);
  if (seen == nullptr || due == arm.expected_account.end()) return true;
  return seen->min == due->second && seen->max == due->second;
}

void add_expected(AccountLines& lines) {
  const CellResult& cell = lines.cell();
  lines.add({"requests, expected", count_text(cell.a.expected_requests),
             count_text(cell.b.expected_requests),
             fmt::format("A: {}. B: {}", cell.a.expectation_note, cell.b.expectation_note)});
}

/// What the engine counted itself. Where a number is due, every operation must show just that.
/// Targets follow later: there is a bound for them.
void add_inside(AccountLines& lines) {
  const CellResult& cell = lines.cell();
  for (const catalogue::Term& term : catalogue::kTerms) {
    const bool is_time = term.counted == catalogue::Counted::kTimed;  // see phases_table()
    if (term.field == &tlblab_account::targets || is_time) continue;
    if (find_count(cell.a.engine_account, term.name) == nullptr &&
        find_count(cell.b.engine_account, term.name) == nullptr) {
      continue;
    }
    lines
        .add_count(term.label, &ArmResult::engine_account, term.name,
                   "the module's own account of the operation")
        .agrees = is_due(cell.a, term.name) && is_due(cell.b, term.name);
  }
}

/// Requests are exact (docs/methods.md): every operation must show just the expected number.
void add_requests_seen(AccountLines& lines) {
  const CellResult& cell = lines.cell();
  const bool agree =
      requests_agree(cell.a, cell.shootdown) && requests_agree(cell.b, cell.shootdown);
  const auto probed = [](const ArmResult& arm, const char* event) {
    return find_count(arm.initiator_counts, event) != nullptr;
  };
  if (probed(cell.a, "request.mm_range") || probed(cell.b, "request.mm_range")) {
    lines
        .add_count("requests, made", &ArmResult::initiator_counts, "request.mm_range",
                   "kprobe flush_tlb_mm_range, initiator: however they are served")
        .agrees = agree;
    lines.add_derived(deliveries_of(cell).unseen);
  }
  if (probed(cell.a, "request.batch") || probed(cell.b, "request.batch")) {
    lines.add_count("requests for batches of pages", &ArmResult::initiator_counts, "request.batch",
                    "kprobe arch_tlbbatch_flush, initiator: however they are served");
  }
  AccountLine& seen =
      lines.add_count("requests, seen", &ArmResult::initiator_counts, "tlb_flush.local_mm",
                      "tracepoint tlb:tlb_flush, local MM shootdown, initiator");
  seen.agrees = agree;
  if (cell.shootdown.by_broadcast) seen.source += ": it does not see those by INVLPGB";
  lines.add_count("of these, whole address space", &ArmResult::initiator_counts,
                  "tlb_flush.local_mm.full", "tracepoint tlb:tlb_flush, all pages, initiator");
}

void add_targets_at_most(AccountLines& lines) {
  const CellResult& cell = lines.cell();
  const bool barriers = counted_barriers(cell.a) || counted_barriers(cell.b);
  lines.add({"targets, at most", count_text(most_targets(cell.a, cell.plan.nr_responders)),
             count_text(most_targets(cell.b, cell.plan.nr_responders)),
             barriers ? "flushes are broadcast in hardware: no CPU is named as a target"
                      : "requests x responders: all of them spin in this address space"});
}

/// CPUs in the address space's mask at each request: no more than responders are there.
void add_targets_inside(AccountLines& lines) {
  const CellResult& cell = lines.cell();
  const auto within = [&](const ArmResult& arm) {
    const CountMean* targets = find_count(arm.engine_account, "targets");
    const auto limit = most_targets(arm, cell.plan.nr_responders);
    return targets == nullptr || !limit || targets->max <= *limit;
  };
  lines
      .add_count("targets, inside", &ArmResult::engine_account, "targets",
                 "the module: other CPUs in the mask at each request, summed")
      .agrees = within(cell.a) && within(cell.b);
  if (cell.plan.nr_responders == 0 || counts_functions(cell)) return;
  lines.add_derived(
      {"targets that ran no flush: lazy, or left to the hypervisor",
       "targets inside, less flush functions run",
       {{&ArmResult::engine_account, "targets"}, {&ArmResult::responder_counts, "TLB", -1}}});
}

/// An operation owes none of these; they say what else happened in its window.
void add_disturbances(AccountLines& lines) {
  lines.add_count("page faults, initiator", &ArmResult::initiator_counts, "page-faults",
                  "software event of the initiator's thread");
  lines.add_count("context switches, initiator", &ArmResult::initiator_counts, "context-switches",
                  "software event of the initiator's thread");
  if (lines.cell().plan.nr_responders == 0) return;
  lines.add_count("page faults, responders", &ArmResult::responder_counts, "page-faults",
                  "software event, summed over responders");
  lines.add_count("context switches, responders", &ArmResult::responder_counts, "context-switches",
                  "software event, summed over responders");
}

}  // namespace

std::vector<AccountLine> account(const CellResult& cell) {
  const bool inside = !cell.a.engine_account.empty() || !cell.b.engine_account.empty();
  AccountLines lines(cell);
  add_expected(lines);
  if (inside) add_inside(lines);
  add_requests_seen(lines);
  add_targets_at_most(lines);
  if (inside) add_targets_inside(lines);
  lines.add_count("requests that named other CPUs", &ArmResult::initiator_counts,
                  "tlb_flush.remote_send", "tracepoint tlb:tlb_flush, remote IPI send, initiator");
  add_deliveries(lines);
  add_disturbances(lines);
  return lines.take();
}

}  // namespace tlblab::report
