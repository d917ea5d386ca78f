// SPDX-License-Identifier: GPL-2.0-only
// Sums and differences of what was queued, sent and handled.
#include "user/analysis/deliveries.hh"

#include <fmt/format.h>

#include <cmath>

namespace tlblab {
namespace {

constexpr auto kInitiator = &ArmResult::initiator_counts;
constexpr auto kResponders = &ArmResult::responder_counts;

DerivedTerm skipped(const CellResult& cell, double nr_responders) {
  std::string label = "skipped: lazy, or another address space loaded";
  if (!cell.shootdown.by_hypervisor) {
    label += ", or left to a hypervisor, if there is one";
  } else if (*cell.shootdown.by_hypervisor) {
    label += ", or left to the hypervisor";
  }
  return {
      std::move(label),
      "targeted, less queued for responders",
      {{kInitiator, "tlb_flush.remote_send", nr_responders}, {kResponders, "csd_queue.flush", -1}}};
}

}  // namespace

std::optional<Derived> derive(const ArmResult& arm, const DerivedTerm& term) {
  Derived derived;
  double size = 0;
  std::optional<std::size_t> nr_trials;
  bool same_trials = true;
  for (const Part& part : term.parts) {
    const CountMeans& counts = arm.*part.side;
    const auto found = counts.find(part.event);
    if (found == counts.end()) {
      if (part.may_lack) continue;
      return std::nullopt;
    }
    same_trials =
        same_trials && nr_trials.value_or(found->second.nr_trials) == found->second.nr_trials;
    nr_trials = found->second.nr_trials;
    derived.mean += part.factor * found->second.mean;
    size += std::abs(part.factor * found->second.mean);
  }
  // The parts are means of whole numbers: what is left of equal ones is rounding.
  if (std::abs(derived.mean) <= 1e-9 * size) derived.mean = 0;
  derived.impossible = same_trials && derived.mean < 0;
  return derived;
}

bool counts_functions(const CellResult& cell) {
  return cell.a.initiator_counts.contains("csd_queue.flush") ||
         cell.b.initiator_counts.contains("csd_queue.flush");
}

Deliveries deliveries_of(const CellResult& cell) {
  const auto nr_responders = static_cast<double>(cell.plan.nr_responders);
  Deliveries all;
  all.unseen = {"of these, seen by no tracepoint: served without an interrupt (INVLPGB)",
                "requests by probe, less those by tracepoint",
                {{kInitiator, "request.mm_range"}, {kInitiator, "tlb_flush.local_mm", -1}}};
  all.targeted = {"targeted",
                  "requests that named other CPUs, times responders",
                  {{kInitiator, "tlb_flush.remote_send", nr_responders}}};
  all.skipped = skipped(cell, nr_responders);
  all.elsewhere = {"queued for others: left in the mask, trimmed once a second, freed tables, ASID",
                   "flushes queued for all CPUs, less those for responders",
                   {{kInitiator, "csd_queue.flush"}, {kResponders, "csd_queue.flush", -1}}};
  all.sent = {"sent to responders",
              "tracepoints ipi:ipi_send_cpu and ipi_send_cpumask, by target",
              {{kResponders, "ipi_send_cpu"}, {kResponders, "ipi_send_cpumask"}}};
  all.coalesced = {"coalesced with one under way, or told while polling in idle",
                   "functions queued for responders, whichever, less interrupts sent",
                   {{kResponders, "csd_queue"},
                    {kResponders, "ipi_send_cpu", -1},
                    {kResponders, "ipi_send_cpumask", -1}}};
  all.interrupts = {
      "handled, interrupts",
      "tracepoints irq_vectors:call_function_entry and _single_entry, responders",
      {{kResponders, "call_function_entry"}, {kResponders, "call_function_single_entry"}}};
  all.by_others = {"flush functions run for others",
                   "flush functions run, less those queued",
                   {{kResponders, "csd_entry.flush"}, {kResponders, "csd_queue.flush", -1}}};
  all.on_arrival = {"skipped by generation, or lazy on arrival",
                    "flush functions run, less flushes carried out and on the wrong CPU",
                    {{kResponders, "csd_entry.flush"},
                     {kResponders, "tlb_flush.remote", -1},
                     {kResponders, "tlb_flush.remote_wrong_cpu", -1, true}}};
  all.syncs_others = {
      "table-free synchronisations, run for others",
      "synchronisations run, less those queued",
      {{kResponders, "csd_entry.table_sync"}, {kResponders, "csd_queue.table_sync", -1}}};
  all.functions = {"other functions run",
                   "functions run, less flushes, synchronisations and our own readings",
                   {{kResponders, "csd_entry"},
                    {kResponders, "csd_entry.flush", -1},
                    {kResponders, "csd_entry.table_sync", -1}}};
  return all;
}

std::string impossible_delivery(const CellResult& cell, const ArmResult& arm) {
  const Deliveries all = deliveries_of(cell);
  std::vector<const DerivedTerm*> checked = {&all.unseen};
  if (cell.plan.nr_responders > 0) {
    checked.insert(checked.end(), {&all.skipped, &all.elsewhere, &all.coalesced, &all.by_others,
                                   &all.on_arrival, &all.syncs_others, &all.functions});
  }
  for (const DerivedTerm* term : checked) {
    const std::optional<Derived> derived = derive(arm, *term);
    if (derived && derived->impossible) {
      return fmt::format("{} ({}): {:.4g} per operation", term->label, term->source, derived->mean);
    }
  }
  return "";
}

}  // namespace tlblab
