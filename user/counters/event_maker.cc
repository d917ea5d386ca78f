// SPDX-License-Identifier: GPL-2.0-only
// Events of each kind, complete but for what is special about one.
#include "user/counters/event_maker.hh"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include "user/counters/interrupts.hh"

namespace tlblab::counters {
namespace {

Event start(std::string name, std::string source, std::string meaning, Scope scope) {
  Event event;
  event.status.name = std::move(name);
  event.status.source = std::move(source);
  event.status.meaning = std::move(meaning);
  event.status.scope = scope;
  return event;
}

}  // namespace

Event EventMaker::tracepoint(std::string name, const std::string& tracepoint, std::string meaning,
                             Scope scope) const {
  Event event =
      start(std::move(name), fmt::format("tracepoint {}", tracepoint), std::move(meaning), scope);
  event.kind = EventKind::kTracepoint;
  event.perf_type = PERF_TYPE_TRACEPOINT;
  const auto found = sources_.tracepoints.find(tracepoint);
  if (found == sources_.tracepoints.end()) {
    event.status.unavailable = "not asked of tracefs";
  } else {
    event.status.unavailable = found->second.problem;
    event.perf_config = found->second.id;
  }
  return event;
}

std::string_view EventMaker::format(const std::string& tracepoint) const {
  const auto found = sources_.tracepoints.find(tracepoint);
  return found == sources_.tracepoints.end() ? std::string_view{} : found->second.format;
}

void EventMaker::of_function(Event& event, const std::string& function) const {
  event.filter = fmt::format("func.function=={}", function);
  event.status.source += fmt::format(", function {}", function);
  if (!event.status.unavailable.empty()) return;
  const KernelFunctions& functions = sources_.functions;
  const auto found = functions.addresses.find(function);
  if (!functions.problem.empty()) {
    event.no_second_filter = functions.problem;
  } else if (found == functions.addresses.end()) {
    event.status.unavailable = fmt::format("this kernel has no function {}", function);
  } else if (found->second == 0) {
    event.no_second_filter = "/proc/kallsyms shows this user no address (kernel.kptr_restrict)";
  } else {
    event.second_filter = fmt::format("func=={:#x}", found->second);
  }
}

Event EventMaker::row(std::string name, std::string_view description, std::string meaning,
                      OwnReads own_reads) const {
  Event event = start(std::move(name), fmt::format("/proc/interrupts, \"{}\"", description),
                      std::move(meaning), Scope::kBoth);
  event.kind = EventKind::kInterruptRow;
  event.own_reads = own_reads;
  event.row = find_interrupt_label(sources_.proc_interrupts, description);
  if (event.row.empty()) {
    event.status.unavailable = "/proc/interrupts can't be read or has no such row";
  }
  return event;
}

Event EventMaker::software(std::string name, std::uint64_t config, std::string meaning,
                           bool in_kernel) {
  Event event = start(std::move(name), "software", std::move(meaning), Scope::kBoth);
  event.kind = EventKind::kSoftware;
  event.perf_type = PERF_TYPE_SOFTWARE;
  event.perf_config = config;
  event.in_kernel = in_kernel;
  return event;
}

Event EventMaker::unavailable(std::string name, std::string source, std::string meaning,
                              Scope scope, std::string why) {
  Event event = start(std::move(name), std::move(source), std::move(meaning), scope);
  event.status.unavailable = std::move(why);
  return event;
}

}  // namespace tlblab::counters
