// SPDX-License-Identifier: GPL-2.0-only
// Bystanders: CPUs kept busy by another process, which no flush of ours concerns.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace tlblab {

/// A process of its own, hence an address space of its own, with a thread spinning on each CPU:
/// without responders the other CPUs would idle, and an idle neighbour may mean another clock
/// frequency or a whole core. Spins from construction to destruction; dies with the caller. Its
/// threads are also victims of the probe, in another process: each has a working set of its own and
/// walks it when asked. All calls come from the initiator thread; those of the probe throw
/// Error(kMachine) when the process has ended, or doesn't answer within kPatienceNs.
class Bystanders {
 public:
  /// Returns when all of them spin; does nothing for no CPU. The caller must be pinned already: the
  /// new process begins on the same CPU, in the caller's memory, and leaves both by exec. Throws
  /// Error(kMachine) when they can't be had.
  explicit Bystanders(const std::vector<int>& cpus);
  ~Bystanders();
  Bystanders(const Bystanders&) = delete;
  Bystanders& operator=(const Bystanders&) = delete;

  /// Gives each bystander a working set of its own, of `most_pages`.
  void open_probe(std::size_t most_pages);
  /// From now on its walks go over the first `nr_pages` of it.
  void arrange_probe(std::size_t nr_pages, std::uint64_t seed);
  /// Has every bystander walk until its set is at hand; returns when all have.
  void warm_up();
  /// Has every bystander walk, at once. Right after the window.
  void start_walks();
  /// What each took, in ns, when all have walked.
  std::vector<std::uint64_t> finish_walks();

  /// Of the process; -1 without a bystander.
  [[nodiscard]] pid_t pid() const { return child_; }

 private:
  class Slots;
  enum class Order : std::uint64_t;
  void send(Order order);
  void wait_until_done(const char* what) const;
  void throw_if_ended() const;
  void stop() noexcept;
  friend int run_bystanders();

  std::vector<int> cpus_;
  std::unique_ptr<Slots> slots_;  ///< shared with the process; null without a bystander
  std::uint64_t sequence_ = 0;
  pid_t child_ = -1;
  int keep_alive_ = -1;  ///< the child lives until this is closed
};

/// The child's side: CPUs from the first line of stdin, a line on stdout when all spin; orders come
/// in the memory of descriptor 3. Returns an exit status once stdin ends.
int run_bystanders();

/// Name of the hidden command that starts it.
inline constexpr const char* kBystandersCommand = "spin-on";

}  // namespace tlblab
