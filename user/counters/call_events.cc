// SPDX-License-Identifier: GPL-2.0-only
// A CPU has a function run on another by an entry in that CPU's queue, and sends an interrupt only
// if the queue was empty: entries, interrupts and functions run are three counts.
#include "user/counters/call_events.hh"

#include <fmt/format.h>

#include <array>

namespace tlblab::counters {
namespace {

constexpr const char* kQueue = "csd:csd_queue_cpu";
constexpr const char* kEntry = "csd:csd_function_entry";
constexpr const char* kSendCpu = "ipi:ipi_send_cpu";
constexpr const char* kSendCpumask = "ipi:ipi_send_cpumask";
constexpr const char* kFunctionCalls = "reason == \"Function call interrupts\"";

/// A function that the kernel has run on other CPUs, and what it is in the account.
struct Called {
  const char* suffix;
  const char* function;
  const char* queued;   ///< meaning of the entries; null: not counted, it is none of an operation's
  const char* handled;  ///< meaning of the runs
};
constexpr std::array kCalled = {
    Called{"flush", "flush_tlb_func", "flushes queued for a CPU, after lazy CPUs were left out",
           "flush functions run on a responder, whoever asked"},
    Called{"table_sync", "tlb_remove_table_smp_sync",
           "synchronisations queued for a CPU because a page table is freed",
           "such synchronisations run on a responder, whoever asked"},
    Called{"perf_read", "__perf_event_read", nullptr, "readings of a responder's counters: ours"},
};

/// Function-call interrupts sent; the callback tells them from reschedule interrupts, which these
/// tracepoints see too.
Event sends(const EventMaker& maker, const char* name, const char* tracepoint, const char* meaning,
            const char* target) {
  Event event = maker.tracepoint(name, tracepoint, meaning, Scope::kTargets);
  if (has_field(maker.format(tracepoint), "callback")) {
    event.filter = "callback!=0";
    event.status.source += ", callback!=0";
  }
  event.target = target;
  return event;
}

void add_queued(const EventMaker& maker, std::vector<Event>& events) {
  const auto add = [&](const std::string& name, const char* meaning, const char* function) {
    Event event = maker.tracepoint(name, kQueue, meaning, Scope::kTargets);
    event.target = "cpu=={}";
    if (function != nullptr) maker.of_function(event, function);
    events.push_back(std::move(event));
  };
  for (const Called& called : kCalled) {
    if (called.queued == nullptr) continue;
    add(fmt::format("csd_queue.{}", called.suffix), called.queued, called.function);
  }
  add("csd_queue", "functions queued for a CPU, whichever", nullptr);
}

void add_handled(const EventMaker& maker, std::vector<Event>& events) {
  const auto add = [&](const std::string& name, const std::string& meaning, const char* function,
                       OwnReads own_reads) {
    Event event = maker.tracepoint(name, kEntry, meaning, Scope::kResponders);
    event.own_reads = own_reads;
    event.whole_cpu = true;
    if (function != nullptr) maker.of_function(event, function);
    events.push_back(std::move(event));
  };
  for (const Called& called : kCalled) {
    add(fmt::format("csd_entry.{}", called.suffix), called.handled, called.function,
        OwnReads::kNotCounted);
  }
  add("csd_entry", "functions run on a responder, whichever; our own readings are taken off",
      nullptr, OwnReads::kCountedOnce);
}

}  // namespace

std::vector<std::string> call_tracepoints(Architecture architecture) {
  std::vector<std::string> names = {kQueue, kEntry, kSendCpu, kSendCpumask};
  if (architecture == Architecture::kArm64) {
    names.insert(names.end(), {"ipi:ipi_raise", "ipi:ipi_entry"});
  } else {
    names.insert(names.end(),
                 {"irq_vectors:call_function_entry", "irq_vectors:call_function_single_entry"});
  }
  return names;
}

std::vector<std::string> called_functions() {
  std::vector<std::string> functions;
  functions.reserve(kCalled.size());
  for (const Called& called : kCalled) functions.emplace_back(called.function);
  return functions;
}

std::vector<Event> make_call_events(Architecture architecture, const EventMaker& maker) {
  std::vector<Event> events;
  add_queued(maker, events);
  events.push_back(sends(maker, "ipi_send_cpu", kSendCpu,
                         "function-call interrupts sent to one CPU", "cpu=={}"));
  events.push_back(sends(maker, "ipi_send_cpumask", kSendCpumask,
                         "function-call interrupts sent to several CPUs: counted once, however "
                         "many, and once for each target",
                         "cpumask & CPUS{{{}}}"));
  add_handled(maker, events);
  const auto add = [&](const char* name, const char* tracepoint, const char* meaning, Scope scope,
                       OwnReads own_reads, const char* filter) {
    Event event = maker.tracepoint(name, tracepoint, meaning, scope);
    event.own_reads = own_reads;
    event.filter = filter;
    if (!event.filter.empty()) event.status.source += ", " + event.filter;
    events.push_back(std::move(event));
  };
  if (architecture == Architecture::kArm64) {
    add("ipi_raise.function_call", "ipi:ipi_raise",
        "function-call interrupts sent, to one CPU or several", Scope::kInitiator,
        OwnReads::kNotCounted, kFunctionCalls);
    add("ipi_entry.function_call", "ipi:ipi_entry",
        "function-call interrupts handled; our own counter readings are taken off",
        Scope::kResponders, OwnReads::kCountedOnce, kFunctionCalls);
    return events;
  }
  add("call_function_entry", "irq_vectors:call_function_entry",
      "function-call interrupts handled, sent to several CPUs at once", Scope::kResponders,
      OwnReads::kNotCounted, "");
  add("call_function_single_entry", "irq_vectors:call_function_single_entry",
      "function-call interrupts handled, sent to this CPU alone; our own counter readings are "
      "taken off",
      Scope::kResponders, OwnReads::kCountedOnce, "");
  return events;
}

}  // namespace tlblab::counters
