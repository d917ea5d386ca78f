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
  kTargets,     ///< on the initiator: to all CPUs, and once more for each responder: to its CPU
  kBoth,
};

/// One event that tlblab knows, and whether this machine and user can count it.
struct EventStatus {
  std::string name;     ///< "tlb_flush.local_mm", "ipi_send_cpu", "dtlb_load_walks", "TLB"
  std::string source;   ///< "tracepoint tlb:tlb_flush, reason 3", "skl::ITLB_MISSES:STLB_HIT, ..."
  std::string meaning;  ///< which term of the account it measures, one line
  Scope scope = Scope::kBoth;
  std::string unavailable;  ///< empty when it can be counted; else why not, and what would help
};

/// What can be counted on an initiator and its responders on these CPUs, the first of which is the
/// initiator's: every event is opened, grouped and read as a counting pass would. CPUs that this
/// process may not use are left out; if none is left, it is one that it may. Leaves nothing behind:
/// tracefs, when it is not mounted, is mounted in a child's private mount namespace only. Throws as
/// CounterSet does.
std::vector<EventStatus> probe_events(const std::vector<int>& cpus);

struct Subject {
  pid_t tid = 0;
  int cpu = 0;
};

struct Event;

/// All countable events on an initiator and its responders, around any region of the initiator's
/// code. Make one per counting pass, not per trial: while it exists the kernel's tracepoints cost
/// time everywhere, and its end takes some 10 ms per tracepoint, because the kernel waits for every
/// CPU before it frees one.
///
/// A processor has too few counters for all of its events at a time, and sharing them would leave
/// most windows half counted. So these take turns: of each turn's begin()/end() pairs, counts()
/// lacks what other turns count.
class CounterSet {
 public:
  /// Throws Error(kMachine) when the limit of open files is too low for so many responders.
  CounterSet(const Subject& initiator, const std::vector<Subject>& responders);
  /// Likewise for events other than this machine's catalogue; they must outlive the set.
  CounterSet(const Subject& initiator, const std::vector<Subject>& responders,
             const std::vector<Event>& events);
  ~CounterSet();
  CounterSet(const CounterSet&) = delete;
  CounterSet& operator=(const CounterSet&) = delete;

  /// Measures what readings alone add to the processor's events, by some with nothing between them;
  /// to be called once, by the initiator, while the responders run as they will. Before that these
  /// events are not counted: their own part is unknown.
  void learn_own_reads();

  /// How many turns there are, at least 1; and which one the next pairs are: turn % nr_turns(). The
  /// first if never called. Not within a pair.
  [[nodiscard]] std::size_t nr_turns() const;
  void take_turn(std::size_t turn);

  /// Reads everything right before and right after the operation. No other work in between. To be
  /// called by the initiator on its CPU, while the responders run: what the readings themselves add
  /// to the counts of other CPUs is then known, and subtracted.
  void begin();
  void end();

  /// Of the last begin()/end() pair; index 0 is the initiator, then the responders in order. What
  /// the initiator sent to a responder's CPU is among that responder's counts.
  [[nodiscard]] const std::vector<Counts>& counts() const;

  /// Every event, and why it is not counted here: refused, or never counting when read.
  [[nodiscard]] std::vector<EventStatus> status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tlblab::counters
