// SPDX-License-Identifier: GPL-2.0-only
// The gaps in a responder's loop, each with its place in time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "user/support/time_span.hh"

namespace tlblab {

/// Gaps are kept one by one and judged when the window is known: a tick during the hand-shake
/// before or after it is none of the operation's doing. Never allocates after it was made.
class GapLog {
 public:
  GapLog();

  /// Forgets everything.
  void begin(std::uint64_t now_ns);
  /// A gap that began after begin(), in order of time.
  void add(std::uint64_t begin_ns, std::uint64_t end_ns);

  struct Loss {
    std::uint64_t stolen_ns = 0;
    std::uint64_t interrupts = 0;
  };
  /// The gaps that overlap the window, each in its whole length: an interruption that a flush
  /// began in the window costs what it costs, even when it ends after it. Of gaps past capacity
  /// the window is not known: they count, since the first ones that fill the log are the window's.
  [[nodiscard]] Loss loss_in(const TimeSpan& window) const;

  /// The most of the window that a thread can have been away which was switched out `times` times
  /// since begin(): each time it left one gap, so this is the sum of as many longest overlaps. The
  /// whole window when there were more gaps than the log keeps.
  [[nodiscard]] std::uint64_t most_away_ns(std::size_t times, const TimeSpan& window) const;

  /// More than one for each VMA of the largest shapes; 128 KiB a responder.
  static constexpr std::size_t kCapacity = 16384;

 private:
  /// Since begin(). 32 bits hold 4 s: no trial takes longer to answer (kPatienceNs).
  struct Gap {
    std::uint32_t begin_ns;
    std::uint32_t length_ns;
  };

  std::uint64_t origin_ns_ = 0;
  std::vector<Gap> gaps_;
  Loss past_capacity_;
};

}  // namespace tlblab
