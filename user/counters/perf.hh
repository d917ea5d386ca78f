// SPDX-License-Identifier: GPL-2.0-only
// perf_event_open: what this user may count, groups of counters, and errors in words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "user/counters/events.hh"

namespace tlblab::counters {

/// How far this process may look.
enum class Reach {
  kCpu,         ///< everything that happens on a CPU, interrupts included: CAP_PERFMON or root
  kThread,      ///< one thread, in user mode and in the kernel
  kThreadUser,  ///< one thread, in user mode only
  kNone,
};

/// What may explain a refusal.
struct PerfContext {
  Reach reach = Reach::kNone;
  int error = 0;                ///< errno of the attempt when reach is kNone
  std::optional<int> paranoid;  ///< kernel.perf_event_paranoid; empty without perf
};

/// Tries out what is allowed, for the calling thread.
PerfContext probe_perf();

/// Pure. Why an event is refused under `context` before even trying; empty if it may be tried.
std::string refusal(const Event& event, const PerfContext& context);

/// Pure. Why perf_event_open (or setting the filter) failed with that errno, and what would help.
std::string explain_open_error(const Event& event, const PerfContext& context, int error);

/// Opens one counter of `subject` as far as `reach` goes. It runs from the start, except a hardware
/// event that leads a group: Group::enable() starts that. `group_fd` is the leader's or -1. Returns
/// the descriptor, or -errno.
int open_counter(const Event& event, Reach reach, const Subject& subject, int group_fd);

/// Counters that are read together by one system call. Not copyable: owns its descriptors.
class Group {
 public:
  Group() = default;
  ~Group();
  Group(Group&& other) noexcept;
  Group& operator=(Group&&) = delete;
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  /// Opens `event` as a member. Returns 0, or the errno of the refusal; the group is then as
  /// before.
  int add(const Event& event, Reach reach, const Subject& subject);

  /// Starts or stops a group of hardware events. What it counted until then stays.
  void enable(bool on) const;

  /// One system call each.
  void read_begin() { read_into(begin_); }
  void read_end() { read_into(end_); }

  /// Of the last two readings: the difference per member in the order of add(). Empty if a reading
  /// failed or the group did not count all the time (multiplexing): scaling up would be a guess.
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> difference() const;

  [[nodiscard]] const std::vector<const Event*>& events() const { return events_; }
  [[nodiscard]] bool empty() const { return fds_.empty(); }

 private:
  void read_into(std::vector<std::uint64_t>& values);

  std::vector<int> fds_;  // the leader first
  std::vector<const Event*> events_;
  std::vector<std::uint64_t> begin_;
  std::vector<std::uint64_t> end_;
};

/// Pure. The rule of Group::difference() on two readings as the kernel gives them: number, time
/// enabled, time running, values.
std::optional<std::vector<std::uint64_t>> group_difference(const std::vector<std::uint64_t>& begin,
                                                           const std::vector<std::uint64_t>& end);

}  // namespace tlblab::counters
