// SPDX-License-Identifier: GPL-2.0-only
// Every event tlblab knows, and which term of the account it measures.
#include "user/counters/events.hh"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <array>
#include <counted_events.hh>

#include "user/counters/call_events.hh"
#include "user/counters/core_pmus.hh"
#include "user/counters/event_maker.hh"
#include "user/counters/pfm.hh"
#include "user/counters/request_probes.hh"
#include "user/counters/tlb_events.hh"
#include "user/topology/kernel_files.hh"

namespace tlblab::counters {
namespace {

constexpr const char* kTlbFlush = "tlb:tlb_flush";

struct FlushEvent {
  const char* name;
  const char* reason;  ///< lower case, as in include/trace/events/tlb.h
  bool full_only;
  Scope scope;
  const char* meaning;
};
constexpr std::array kFlushEvents = {
    FlushEvent{"tlb_flush.local_mm", "local mm shootdown", false, Scope::kInitiator,
               "flushes of the initiator's own TLB: one per request"},
    FlushEvent{"tlb_flush.local_mm.full", "local mm shootdown", true, Scope::kInitiator,
               "of these, past the ceiling: the whole address space"},
    FlushEvent{"tlb_flush.local", "local shootdown", false, Scope::kInitiator,
               "flushes of the initiator's TLB for the kernel or a batch, not for one request"},
    FlushEvent{"tlb_flush.remote_send", "remote ipi send", false, Scope::kInitiator,
               "requests that named other CPUs; some CPUs may then be skipped"},
    FlushEvent{"tlb_flush.remote_send.full", "remote ipi send", true, Scope::kInitiator,
               "of these, the whole address space"},
    FlushEvent{"tlb_flush.remote", "remote shootdown", false, Scope::kResponders,
               "flushes carried out on a responder for another CPU"},
    FlushEvent{"tlb_flush.remote.full", "remote shootdown", true, Scope::kResponders,
               "of these, the whole address space"},
    FlushEvent{"tlb_flush.remote_wrong_cpu", "remote wrong cpu", false, Scope::kResponders,
               "flush functions that found another address space loaded and flushed nothing"},
};

/// tlb:tlb_flush for one reason, named by its text in the format file.
Event flush_event(const EventMaker& maker, const FlushEvent& flush) {
  Event event = maker.tracepoint(flush.name, kTlbFlush, flush.meaning, flush.scope);
  if (!event.status.unavailable.empty()) return event;
  const std::string_view format = maker.format(kTlbFlush);
  const auto reasons = symbolic_values(format, "reason");
  const auto number = reasons.find(flush.reason);
  if (number == reasons.end()) {
    event.status.unavailable =
        fmt::format("this kernel's {} knows no reason \"{}\"", kTlbFlush, flush.reason);
  } else if (flush.full_only && !has_field(format, "pages")) {
    event.status.unavailable = fmt::format("this kernel's {} shows no pages", kTlbFlush);
  } else {
    event.filter = fmt::format("reason=={}", number->second);
    event.status.source += fmt::format(", reason {} ({})", number->second, flush.reason);
    if (flush.full_only) {
      // TLB_FLUSH_ALL is -1 in an unsigned long, and a filter's number has no sign.
      event.filter += fmt::format(" && pages=={}", ~std::uint64_t{0});
      event.status.source += ", all pages";
    }
  }
  return event;
}

constexpr const char* kNothingToCount =
    "arm64 tells other CPUs by TLBI broadcast in hardware: nothing the kernel could count";

}  // namespace

std::vector<std::string> wanted_tracepoints(Architecture architecture) {
  std::vector<std::string> names = call_tracepoints(architecture);
  if (architecture == Architecture::kX86) names.emplace_back(kTlbFlush);
  return names;
}

std::vector<std::string> wanted_functions() {
  std::vector<std::string> names = called_functions();
  for (const std::string& name : probed_functions()) names.push_back(name);
  return names;
}

std::vector<Event> make_catalogue(Architecture architecture, const Sources& sources) {
  const EventMaker maker(sources);
  const bool x86 = architecture == Architecture::kX86;
  std::vector<Event> events = sources.request_probes;
  const auto add = [&events](const std::vector<Event>& more) {
    events.insert(events.end(), more.begin(), more.end());
  };
  for (const FlushEvent& flush : kFlushEvents) {
    events.push_back(x86 ? flush_event(maker, flush)
                         : EventMaker::unavailable(flush.name,
                                                   fmt::format("tracepoint {}", kTlbFlush),
                                                   flush.meaning, flush.scope, kNothingToCount));
  }
  add(make_call_events(architecture, maker));
  constexpr const char* tlb_meaning = "flush functions run on a CPU for another CPU";
  events.push_back(x86 ? maker.row("TLB", "TLB shootdowns", tlb_meaning, OwnReads::kNotCounted)
                       : EventMaker::unavailable("TLB", "/proc/interrupts", tlb_meaning,
                                                 Scope::kBoth, kNothingToCount));
  events.push_back(maker.row("CAL", "Function call interrupts",
                             "function-call interrupts of every cause, flushes among them; our own "
                             "counter readings are taken off",
                             OwnReads::kCountedOnce));
  add(sources.tlb_events);
  events.push_back(EventMaker::software("page-faults", PERF_COUNT_SW_PAGE_FAULTS,
                                        "page faults; a munmap should cause none", false));
  events.push_back(EventMaker::software("context-switches", PERF_COUNT_SW_CONTEXT_SWITCHES,
                                        "a responder switched away may get no interrupt", true));
  return events;
}

Event toward(const Event& event, int cpu) {
  Event one = event;
  const std::string condition = fmt::format(fmt::runtime(event.target), cpu);
  one.filter += (one.filter.empty() ? "" : " && ") + condition;
  if (!one.second_filter.empty()) one.second_filter += " && " + condition;
  return one;
}

const std::vector<Event>& catalogue() {
  static const std::vector<Event> events = [] {
    Sources sources;
    sources.tracepoints = read_tracepoints(wanted_tracepoints(kThisArchitecture));
    sources.functions = read_kernel_functions(wanted_functions());
    sources.proc_interrupts = read_kernel_file("/proc/interrupts").text;
    sources.request_probes =
        make_request_probes(kThisArchitecture, read_probe_pmu(), sources.functions);
    sources.tlb_events = make_tlb_events(kThisArchitecture, read_core_pmus(), pfm_models_here());
    return make_catalogue(kThisArchitecture, sources);
  }();
  return events;
}

}  // namespace tlblab::counters
