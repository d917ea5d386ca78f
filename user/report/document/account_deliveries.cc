// SPDX-License-Identifier: GPL-2.0-only
// From targets to flushes carried out.
#include "user/report/document/account_deliveries.hh"

#include "user/report/document/format.hh"

namespace tlblab::report {
namespace {

constexpr auto kInitiator = &ArmResult::initiator_counts;
constexpr auto kResponders = &ArmResult::responder_counts;

bool known(const CellResult& cell, CountMeans ArmResult::*side, const char* event) {
  return find_count(cell.a.*side, event) != nullptr || find_count(cell.b.*side, event) != nullptr;
}

void add_interruptions(AccountLines& lines) {
  const CellResult& cell = lines.cell();
  lines.add({"interruptions seen", significant(cell.a.interrupts_seen),
             significant(cell.b.interrupts_seen),
             "gaps in the responders' loops, timing pass (any interrupt counts)"});
}

/// Calls are known by function and target: nothing has to stay unknown.
void add_exact(AccountLines& lines) {
  if (lines.cell().plan.nr_responders == 0) {
    lines.add_count("queued for other CPUs", kInitiator, "csd_queue.flush",
                    "tracepoint csd:csd_queue_cpu, flush_tlb_func, initiator");
    lines.add_count("table-free synchronisations, queued for other CPUs", kInitiator,
                    "csd_queue.table_sync",
                    "tracepoint csd:csd_queue_cpu, tlb_remove_table_smp_sync, initiator");
    return;
  }
  const Deliveries terms = deliveries_of(lines.cell());
  lines.add_derived(terms.targeted);
  lines.add_derived(terms.skipped);
  lines.add_bounded("queued for responders", "csd_queue.flush",
                    "tracepoint csd:csd_queue_cpu, flush_tlb_func, by target");
  lines.add_derived(terms.elsewhere);
  lines.add_derived(terms.sent);
  lines.add_derived(terms.coalesced);
  lines.add_derived(terms.interrupts);
  lines.add_count("handled, flush functions run", kResponders, "csd_entry.flush",
                  "tracepoint csd:csd_function_entry, flush_tlb_func, responders");
  lines.add_derived(terms.by_others);
  lines.add_bounded("handled, flushes carried out", "tlb_flush.remote",
                    "tracepoint tlb:tlb_flush, remote shootdown, responders");
  if (known(lines.cell(), kResponders, "tlb_flush.remote_wrong_cpu")) {
    lines.add_count("handled on the wrong CPU", kResponders, "tlb_flush.remote_wrong_cpu",
                    "tracepoint tlb:tlb_flush, remote wrong CPU, responders");
    lines.add_derived(terms.on_arrival);
  } else {
    DerivedTerm on_arrival = terms.on_arrival;
    on_arrival.label += ", or on the wrong CPU";
    on_arrival.source = "flush functions run, less flushes carried out";
    lines.add_derived(on_arrival);
  }
  lines.add_count("table-free synchronisations, queued for all CPUs", kInitiator,
                  "csd_queue.table_sync",
                  "tracepoint csd:csd_queue_cpu, tlb_remove_table_smp_sync, initiator");
  lines.add_count("table-free synchronisations, queued for responders", kResponders,
                  "csd_queue.table_sync",
                  "tracepoint csd:csd_queue_cpu, tlb_remove_table_smp_sync, by target");
  lines.add_count("table-free synchronisations, run", kResponders, "csd_entry.table_sync",
                  "tracepoint csd:csd_function_entry, tlb_remove_table_smp_sync, responders");
  lines.add_derived(terms.syncs_others);
  lines.add_derived(terms.functions);
  lines.add_count("our own readings of their counters", kResponders, "csd_entry.perf_read",
                  "tracepoint csd:csd_function_entry, __perf_event_read; taken off other lines");
  add_interruptions(lines);
}

/// The terms that no counter shows, as far as two counters bound them. Where sends are not known by
/// target, they are when there is only one.
void add_differences(AccountLines& lines) {
  const CellResult& cell = lines.cell();
  std::vector<Part> sent = {{kResponders, "ipi_send_cpu", -1},
                            {kResponders, "ipi_send_cpumask", -1}};
  const char* not_sent_source = "requests that named other CPUs, times responders, less sent";
  const char* coalesced_source = "flush functions run, less interrupts sent";
  if (!known(cell, kResponders, "ipi_send_cpu")) {
    if (cell.plan.nr_responders == 1) {
      sent = {{kInitiator, "ipi_send_cpu", -1}};
    } else {
      not_sent_source = coalesced_source = "sends are not known by target here";
    }
  }
  const auto less_sent = [&sent](Part minuend) {
    std::vector<Part> parts = {minuend};
    parts.insert(parts.end(), sent.begin(), sent.end());
    return parts;
  };
  lines.add_derived({"not sent: lazy CPU, or left to the hypervisor", not_sent_source,
                     less_sent({kInitiator, "tlb_flush.remote_send",
                                static_cast<double>(cell.plan.nr_responders)})});
  lines.add_derived(
      {"coalesced with one under way", coalesced_source, less_sent({kResponders, "TLB"})});
  lines.add_derived({"skipped by generation",
                     "flush functions run, less flushes carried out",
                     {{kResponders, "TLB"}, {kResponders, "tlb_flush.remote", -1}}});
}

void add_bounds(AccountLines& lines) {
  lines.add_count("sent, to one CPU", kInitiator, "ipi_send_cpu",
                  "tracepoint ipi:ipi_send_cpu, initiator");
  lines.add_count("sent, to several CPUs at once", kInitiator, "ipi_send_cpumask",
                  "tracepoint ipi:ipi_send_cpumask, initiator: sendings, not targets");
  if (lines.cell().plan.nr_responders == 0) return;
  // Other parts of the kernel send function calls too, so these may exceed the bound.
  lines.add_count("handled, interrupts to one CPU", kResponders, "call_function_single_entry",
                  "tracepoint irq_vectors:call_function_single_entry, responders");
  lines.add_count("handled, interrupts to several", kResponders, "call_function_entry",
                  "tracepoint irq_vectors:call_function_entry, responders");
  lines.add_bounded("handled, flush functions run", "TLB", "/proc/interrupts, row TLB, responders");
  lines.add_bounded("handled, flushes carried out", "tlb_flush.remote",
                    "tracepoint tlb:tlb_flush, remote shootdown, responders");
  add_interruptions(lines);
  add_differences(lines);
}

}  // namespace

void add_deliveries(AccountLines& lines) {
  if (counts_functions(lines.cell())) {
    add_exact(lines);
  } else {
    add_bounds(lines);
  }
}

}  // namespace tlblab::report
