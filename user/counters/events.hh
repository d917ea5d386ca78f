// SPDX-License-Identifier: GPL-2.0-only
// The catalogue of events: the single source of every event's name, meaning and encoding.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "user/counters/counters.hh"
#include "user/counters/tracepoints.hh"

namespace tlblab::counters {

enum class EventKind { kTracepoint, kSoftware, kHardware, kInterruptRow };

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
  std::string filter;     ///< of a tracepoint, in the kernel's filter language; may be empty
  bool in_kernel = true;  ///< happens in the kernel only: a user-mode count would always be 0
  OwnReads own_reads = OwnReads::kNotCounted;
  std::string row;        ///< of /proc/interrupts
  std::vector<int> cpus;  ///< with this type of core; empty: every CPU
  unsigned set = 0;       ///< hardware events of one set are counted in the same trials
};

enum class Architecture { kX86, kArm64 };

/// The tracepoints that make_catalogue() wants to know of.
std::vector<std::string> wanted_tracepoints(Architecture architecture);

/// Pure. Every event of that architecture, countable or not, in the order they are shown. The
/// processor's own are passed in.
std::vector<Event> make_catalogue(Architecture architecture, const Tracepoints& tracepoints,
                                  std::string_view proc_interrupts,
                                  const std::vector<Event>& tlb_events);

/// The catalogue of this machine; read once per process.
const std::vector<Event>& catalogue();

}  // namespace tlblab::counters
