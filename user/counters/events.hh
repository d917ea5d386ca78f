// SPDX-License-Identifier: GPL-2.0-only
// The catalogue of events: the single source of every event's name, meaning and encoding.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "user/counters/counters.hh"
#include "user/counters/tracepoints.hh"
#include "user/topology/kernel_functions.hh"

namespace tlblab::counters {

enum class EventKind { kTracepoint, kSoftware, kHardware, kProbe, kInterruptRow };

/// Reading a counter of another CPU sends that CPU a function call. What such an event counts of
/// our own readings is subtracted.
enum class OwnReads {
  kNotCounted,
  kCountedOnce,  ///< each reading of one of that CPU's groups adds one
  kMeasured,     ///< by an unknown number: what a pair of readings with nothing between them shows
};

struct Event {
  EventStatus status;  ///< `unavailable` is what can be known without trying
  EventKind kind = EventKind::kTracepoint;
  std::uint32_t perf_type = 0;
  std::uint64_t perf_config = 0;
  std::string filter;  ///< of a tracepoint, in the kernel's filter language; may be empty
  /// The same in words that every kernel knows, for one that does not take `filter`; or why there
  /// are none. Both empty: `filter` is in such words.
  std::string second_filter;
  std::string no_second_filter;
  std::string target;      ///< Scope::kTargets: the filter of one target, {} being its CPU
  bool whole_cpu = false;  ///< happens in any thread's name: a thread's count would miss some
  std::string probed;      ///< the kernel's function that a probe is put on
  bool in_kernel = true;   ///< happens in the kernel only: a user-mode count would always be 0
  OwnReads own_reads = OwnReads::kNotCounted;
  std::string row;        ///< of /proc/interrupts
  std::vector<int> cpus;  ///< with this type of core; empty: every CPU
  unsigned set = 0;       ///< hardware events of one set are counted in the same trials
};

enum class Architecture { kX86, kArm64 };

/// The tracepoints, and the kernel's functions, that make_catalogue() wants to know of.
std::vector<std::string> wanted_tracepoints(Architecture architecture);
std::vector<std::string> wanted_functions();

/// What events are made from.
struct Sources {
  Tracepoints tracepoints;
  KernelFunctions functions;
  std::string proc_interrupts;
  std::vector<Event> request_probes;
  std::vector<Event> tlb_events;  ///< the processor's own
};

/// Pure. Every event of that architecture, countable or not, in the order they are shown.
std::vector<Event> make_catalogue(Architecture architecture, const Sources& sources);

/// Pure. Of an event of Scope::kTargets, what goes to that CPU alone.
Event toward(const Event& event, int cpu);

/// The catalogue of this machine; read once per process.
const std::vector<Event>& catalogue();

}  // namespace tlblab::counters
