// SPDX-License-Identifier: GPL-2.0-only
// Counters around one operation: tracepoints, hardware events, /proc/interrupts.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "user/model/counts.hh"

namespace tlblab::counters {

/// Where an event is counted.
enum class Scope {
  kInitiator,   ///< on the initiator: its thread; rows of /proc/interrupts: its CPU
  kResponders,  ///< on each responder: its CPU if privileged, its thread otherwise
  kBoth,
};

/// One event that tlblab knows, and whether this machine and user can count it.
struct EventStatus {
  std::string name;     ///< "tlb_flush.local_mm", "ipi_send_cpu", "dTLB-load-misses", "TLB"
  std::string source;   ///< "tracepoint tlb:tlb_flush, reason 3", "hardware", "/proc/interrupts"
  std::string meaning;  ///< which term of the account it measures, one line
  Scope scope = Scope::kBoth;
  std::string unavailable;  ///< empty when it can be counted; else why not, and what would help
};

/// Tries every event by opening it, once, on this thread. Leaves nothing behind: tracefs, when it
/// is not mounted, is mounted in a child's private mount namespace only.
std::vector<EventStatus> probe_events();

struct Subject {
  pid_t tid = 0;
  int cpu = 0;
};

/// All countable events on an initiator and its responders. Make one per counting pass, not per
/// trial: while it exists the kernel's tracepoints cost time everywhere, and its end takes some
/// 10 ms per tracepoint, because the kernel waits for every CPU before it frees one.
class CounterSet {
 public:
  /// Throws Error(kMachine) when the limit of open files is too low for so many responders.
  CounterSet(const Subject& initiator, const std::vector<Subject>& responders);
  ~CounterSet();
  CounterSet(const CounterSet&) = delete;
  CounterSet& operator=(const CounterSet&) = delete;

  /// Reads everything right before and right after the operation. No other work in between. To be
  /// called by the initiator on its CPU, while the responders run: what the readings themselves add
  /// to the counts of other CPUs is then known, and subtracted.
  void begin();
  void end();

  /// Of the last begin()/end() pair; index 0 is the initiator, then the responders in order.
  [[nodiscard]] const std::vector<Counts>& counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tlblab::counters
