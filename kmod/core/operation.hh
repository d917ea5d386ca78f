// SPDX-License-Identifier: GPL-2.0-only
// The state of one operation: its platform, its account, the clock of its phases, and whether it
// was told to stop.
#pragma once

#include "kmod/core/platform.hh"

namespace tlblab::core {

/// Adds a measured term to a sum. Once unknown, a sum stays unknown.
constexpr void add_term(u64& sum, u64 term) {
  sum = sum == TLBLAB_UNKNOWN || term == TLBLAB_UNKNOWN ? TLBLAB_UNKNOWN : sum + term;
}

template <class P>
requires Yields<P> && HasClock<P>
class Operation {
 public:
  /// `time_phases`: whether the clock is read at all.
  Operation(P& platform, tlblab_account& account, bool time_phases)
      : platform_(platform), account_(account), time_phases_(time_phases) {
    if (time_phases_) last_ns_ = platform_.clock_ns();
  }

  P& platform() { return platform_; }
  tlblab_account& account() { return account_; }

  /// Adds the time since the last call to `phase`, one of the account's. A flush or release charges
  /// clear_ns before it and its own phase after it, so that clear_ns is all the rest: walking,
  /// clearing, and yielding between tables. Yielding between releases is release_ns.
  void charge(u64& phase) {
    if (!time_phases_) return;
    const u64 now_ns = platform_.clock_ns();
    phase += now_ns - last_ns_;
    last_ns_ = now_ns;
  }

  /// Offers to yield the CPU; no lock is held. Remembers if it was told to stop.
  void resched() {
    ++account_.resched_points;
    if (!platform_.resched_point()) stopped_ = true;
  }

  /// If true: clear no more entries, only settle what is owed.
  bool stopped() const { return stopped_; }

  /// Accounts for one flush request.
  void count_request(const lab_flush_cost& cost, bool forced) {
    ++account_.requests;
    if (forced) ++account_.forced;
    add_term(account_.targets, cost.targets);
    add_term(account_.tlbi, cost.tlbi);
    add_term(account_.dsb_ishst, cost.dsb_ishst);
    add_term(account_.dsb_ish, cost.dsb_ish);
    add_term(account_.repeats, cost.repeats);
  }

 private:
  P& platform_;
  tlblab_account& account_;
  u64 last_ns_ = 0;
  bool time_phases_;
  bool stopped_ = false;
};

}  // namespace tlblab::core
