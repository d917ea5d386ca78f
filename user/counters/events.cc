// SPDX-License-Identifier: GPL-2.0-only
// Every event tlblab knows, and which term of the account it measures.
#include "user/counters/events.hh"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <array>
#include <counted_events.hh>

#include "user/counters/core_pmus.hh"
#include "user/counters/interrupts.hh"
#include "user/counters/pfm.hh"
#include "user/counters/tlb_events.hh"
#include "user/topology/kernel_files.hh"

namespace tlblab::counters {
namespace {

constexpr const char* kTlbFlush = "tlb:tlb_flush";
constexpr const char* kFunctionCalls = "Function call interrupts";

/// The catalogue while it is being made.
class Maker {
 public:
  explicit Maker(const Tracepoints& tracepoints) : tracepoints_(tracepoints) {}

  /// Null when tracefs does not have it; the event is then listed with the reason.
  const Tracepoint* find(const std::string& tracepoint, Event& event) const {
    const auto found = tracepoints_.find(tracepoint);
    if (found == tracepoints_.end()) {
      event.status.unavailable = "not asked of tracefs";
      return nullptr;
    }
    event.status.unavailable = found->second.problem;
    return found->second.problem.empty() ? &found->second : nullptr;
  }

  void add_tracepoint(std::string name, const std::string& tracepoint, std::string meaning,
                      Scope scope, OwnReads own_reads = OwnReads::kNotCounted,
                      std::string filter = {}) {
    Event event =
        start(std::move(name), fmt::format("tracepoint {}", tracepoint), std::move(meaning), scope);
    event.kind = EventKind::kTracepoint;
    event.perf_type = PERF_TYPE_TRACEPOINT;
    event.own_reads = own_reads;
    if (!filter.empty()) event.status.source += ", " + filter;
    event.filter = std::move(filter);
    if (const Tracepoint* found = find(tracepoint, event)) event.perf_config = found->id;
    events_.push_back(std::move(event));
  }

  /// Interrupts sent on the initiator to have a function called; the callback distinguishes them.
  void add_call_sends(std::string name, const std::string& tracepoint, std::string meaning) {
    const auto found = tracepoints_.find(tracepoint);
    const bool shows_callback =
        found != tracepoints_.end() && has_field(found->second.format, "callback");
    add_tracepoint(std::move(name), tracepoint, std::move(meaning), Scope::kInitiator,
                   OwnReads::kNotCounted, shows_callback ? "callback!=0" : "");
  }

  /// tlb:tlb_flush for one reason, named by its text in the format file.
  void add_flush(std::string name, std::string_view reason, bool full_only, std::string meaning,
                 Scope scope) {
    Event event =
        start(std::move(name), fmt::format("tracepoint {}", kTlbFlush), std::move(meaning), scope);
    event.kind = EventKind::kTracepoint;
    event.perf_type = PERF_TYPE_TRACEPOINT;
    if (const Tracepoint* found = find(kTlbFlush, event)) {
      const auto reasons = symbolic_values(found->format, "reason");
      const auto number = reasons.find(std::string(reason));
      if (number == reasons.end()) {
        event.status.unavailable =
            fmt::format("this kernel's {} knows no reason \"{}\"", kTlbFlush, reason);
      } else if (full_only && !has_field(found->format, "pages")) {
        event.status.unavailable = fmt::format("this kernel's {} shows no pages", kTlbFlush);
      } else {
        event.perf_config = found->id;
        event.filter = fmt::format("reason=={}", number->second);
        event.status.source += fmt::format(", reason {} ({})", number->second, reason);
        if (full_only) {
          // TLB_FLUSH_ALL is -1 in an unsigned long, and a filter's number has no sign.
          event.filter += fmt::format(" && pages=={}", ~std::uint64_t{0});
          event.status.source += ", all pages";
        }
      }
    }
    events_.push_back(std::move(event));
  }

  void add_unavailable(std::string name, std::string source, std::string meaning, Scope scope,
                       std::string why) {
    Event event = start(std::move(name), std::move(source), std::move(meaning), scope);
    event.status.unavailable = std::move(why);
    events_.push_back(std::move(event));
  }

  /// A row of /proc/interrupts, found by its description: labels differ between architectures.
  void add_row(std::string name, std::string_view proc_interrupts, std::string_view description,
               std::string meaning, OwnReads own_reads) {
    Event event = start(std::move(name), fmt::format("/proc/interrupts, \"{}\"", description),
                        std::move(meaning), Scope::kBoth);
    event.kind = EventKind::kInterruptRow;
    event.own_reads = own_reads;
    event.row = find_interrupt_label(proc_interrupts, description);
    if (event.row.empty()) {
      event.status.unavailable = "/proc/interrupts can't be read or has no such row";
    }
    events_.push_back(std::move(event));
  }

  void add_software(std::string name, std::uint64_t config, std::string meaning, bool in_kernel) {
    Event event = start(std::move(name), "software", std::move(meaning), Scope::kBoth);
    event.kind = EventKind::kSoftware;
    event.perf_type = PERF_TYPE_SOFTWARE;
    event.perf_config = config;
    event.in_kernel = in_kernel;
    events_.push_back(std::move(event));
  }

  void add(const std::vector<Event>& events) {
    events_.insert(events_.end(), events.begin(), events.end());
  }

  std::vector<Event> take() { return std::move(events_); }

 private:
  static Event start(std::string name, std::string source, std::string meaning, Scope scope) {
    Event event;
    event.status.name = std::move(name);
    event.status.source = std::move(source);
    event.status.meaning = std::move(meaning);
    event.status.scope = scope;
    return event;
  }

  const Tracepoints& tracepoints_;
  std::vector<Event> events_;
};

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
};

/// The tracepoints of 6.4 and later. They see reschedule interrupts too, which have no callback.
void add_sends(Maker& maker) {
  maker.add_call_sends("ipi_send_cpu", "ipi:ipi_send_cpu",
                       "function-call interrupts sent to one CPU (with one target, one per flush)");
  maker.add_call_sends("ipi_send_cpumask", "ipi:ipi_send_cpumask",
                       "function-call interrupts sent to several CPUs: counted once, however many");
}

void add_x86(Maker& maker, std::string_view proc_interrupts) {
  for (const FlushEvent& flush : kFlushEvents) {
    maker.add_flush(flush.name, flush.reason, flush.full_only, flush.meaning, flush.scope);
  }
  add_sends(maker);
  maker.add_tracepoint("call_function_entry", "irq_vectors:call_function_entry",
                       "function-call interrupts handled, sent to several CPUs at once",
                       Scope::kResponders);
  maker.add_tracepoint("call_function_single_entry", "irq_vectors:call_function_single_entry",
                       "function-call interrupts handled, sent to this CPU alone; our own "
                       "counter readings are taken off",
                       Scope::kResponders, OwnReads::kCountedOnce);
  maker.add_row("TLB", proc_interrupts, "TLB shootdowns",
                "flush functions run on a CPU for another CPU", OwnReads::kNotCounted);
}

void add_arm64(Maker& maker) {
  const std::string why =
      "arm64 tells other CPUs by TLBI broadcast in hardware: nothing the kernel could count";
  for (const FlushEvent& flush : kFlushEvents) {
    maker.add_unavailable(flush.name, fmt::format("tracepoint {}", kTlbFlush), flush.meaning,
                          flush.scope, why);
  }
  const std::string calls = fmt::format("reason == \"{}\"", kFunctionCalls);
  add_sends(maker);
  maker.add_tracepoint("ipi_raise.function_call", "ipi:ipi_raise",
                       "function-call interrupts sent, to one CPU or several", Scope::kInitiator,
                       OwnReads::kNotCounted, calls);
  maker.add_tracepoint("ipi_entry.function_call", "ipi:ipi_entry",
                       "function-call interrupts handled; our own counter readings are taken off",
                       Scope::kResponders, OwnReads::kCountedOnce, calls);
  maker.add_unavailable("TLB", "/proc/interrupts", "flush functions run on a CPU for another CPU",
                        Scope::kBoth, why);
}

}  // namespace

std::vector<std::string> wanted_tracepoints(Architecture architecture) {
  if (architecture == Architecture::kArm64) {
    return {"ipi:ipi_send_cpu", "ipi:ipi_send_cpumask", "ipi:ipi_raise", "ipi:ipi_entry"};
  }
  return {kTlbFlush, "ipi:ipi_send_cpu", "ipi:ipi_send_cpumask", "irq_vectors:call_function_entry",
          "irq_vectors:call_function_single_entry"};
}

std::vector<Event> make_catalogue(Architecture architecture, const Tracepoints& tracepoints,
                                  std::string_view proc_interrupts,
                                  const std::vector<Event>& tlb_events) {
  Maker maker(tracepoints);
  if (architecture == Architecture::kX86) {
    add_x86(maker, proc_interrupts);
  } else {
    add_arm64(maker);
  }
  maker.add_row("CAL", proc_interrupts, kFunctionCalls,
                "function-call interrupts of every cause, flushes among them; our own counter "
                "readings are taken off",
                OwnReads::kCountedOnce);
  maker.add(tlb_events);
  maker.add_software("page-faults", PERF_COUNT_SW_PAGE_FAULTS,
                     "page faults; a munmap should cause none", false);
  maker.add_software("context-switches", PERF_COUNT_SW_CONTEXT_SWITCHES,
                     "a responder switched away may get no interrupt", true);
  return maker.take();
}

const std::vector<Event>& catalogue() {
  static const std::vector<Event> events =
      make_catalogue(kThisArchitecture, read_tracepoints(wanted_tracepoints(kThisArchitecture)),
                     read_kernel_file("/proc/interrupts").text,
                     make_tlb_events(kThisArchitecture, read_core_pmus(), pfm_models_here()));
  return events;
}

}  // namespace tlblab::counters
