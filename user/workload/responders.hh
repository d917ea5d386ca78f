// SPDX-License-Identifier: GPL-2.0-only
// Responders: pinned threads that hold the translations a trial will shoot down, and prove it.
//
// The proof, per trial and responder:
//   1. load: it reads the trial's tag from every page (so it has walked to the frame of *this*
//      trial), notes its context-switch count and CPU, and starts a fresh log of gaps;
//   2. its heartbeat must then advance before the window opens, so it is running at that moment;
//   3. its heartbeat must advance between the two clock reads;
//   4. settle: its CPU must be the same as in 1, and its context-switch count too, or the gaps
//      prove that it was away for at most kMaxAwayShare of the window.
// A responder that fails any of these may not have been a target: the trial is set apart.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "user/model/address_range.hh"
#include "user/model/trial.hh"
#include "user/workload/gap_log.hh"

namespace tlblab {

/// What the responders report about one trial.
struct CrewReport {
  TrialState state = TrialState::kOk;    ///< the first failure, by responder order
  std::vector<ResponderSample> samples;  ///< one per responder
};

/// All calls come from the initiator thread. Between load() and settle() the responders spin,
/// reading the clock and advancing their heartbeats; they touch no memory of the trial and make no
/// system call.
class ResponderCrew {
 public:
  /// One thread pinned to each of `cpus`. Throws Error(kMachine) when one can't be had.
  explicit ResponderCrew(const std::vector<int>& cpus);
  ~ResponderCrew();
  ResponderCrew(const ResponderCrew&) = delete;
  ResponderCrew& operator=(const ResponderCrew&) = delete;

  /// Has every responder read the first word of every page of `ranges` (which must be `tag`);
  /// returns when all have, and their heartbeats advance. `ranges` must stay valid until settle().
  /// Throws Error(kMachine) when a responder doesn't answer within kPatienceNs.
  void load(std::span<const AddressRange> ranges, std::uint64_t tag);
  /// Called right before and right after the timed window: one load per responder.
  void open_window();
  void close_window();
  /// Collects the proof, and what was lost in `window`: the initiator's two clock reads. Valid
  /// until the next settle().
  const CrewReport& settle(const TimeSpan& window);

  /// Gives each responder a working set of its own, of `most_pages`. Throws Error(kMachine).
  void open_probe(std::size_t most_pages);
  /// From now on load() ends with walks over the first `nr_pages` of it, so that the responder has
  /// them at hand when the window opens.
  void arrange_probe(std::size_t nr_pages, std::uint64_t seed);
  /// Has every responder walk, at once. Right after close_window(), before settle().
  void start_walks();
  /// What each took, in ns, when all have walked.
  std::vector<std::uint64_t> finish_walks();

  /// Returns when every responder's heartbeat has advanced twice more: all are running now. Throws
  /// Error(kMachine) after kPatienceNs.
  void wait_for_beats() const;

  [[nodiscard]] std::vector<pid_t> thread_ids() const;
  /// Gaps in a responder's loop longer than this count as interruptions, in ns: the larger of 300
  /// and eight times its median loop turn, measured when it started.
  [[nodiscard]] std::vector<std::uint64_t> gap_thresholds_ns() const;

 private:
  struct Slot;
  void wait_until_done(const char* what) const;
  void rethrow_failure() const;
  void stop() noexcept;

  std::vector<std::unique_ptr<Slot>> slots_;
  std::uint64_t sequence_ = 0;
  CrewReport report_;
};

}  // namespace tlblab
