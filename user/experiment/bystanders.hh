// SPDX-License-Identifier: GPL-2.0-only
// Bystanders: CPUs kept busy by another process, which no flush of ours concerns.
#pragma once

#include <sys/types.h>

#include <vector>

namespace tlblab {

/// A process of its own, hence an address space of its own, with a thread spinning on each CPU:
/// without responders the other CPUs would idle, and an idle neighbour may mean another clock
/// frequency or a whole core. Spins from construction to destruction; dies with the caller.
class Bystanders {
 public:
  /// Returns when all of them spin; does nothing for no CPU. The caller must be pinned already: the
  /// new process begins on the same CPU, in the caller's memory, and leaves both by exec. Throws
  /// Error(kMachine) when they can't be had.
  explicit Bystanders(const std::vector<int>& cpus);
  ~Bystanders();
  Bystanders(const Bystanders&) = delete;
  Bystanders& operator=(const Bystanders&) = delete;

 private:
  void stop() noexcept;

  pid_t child_ = -1;
  int keep_alive_ = -1;  ///< the child lives until this is closed
};

/// The child's side: CPUs from the first line of stdin, a line on stdout when all spin. Returns an
/// exit status once stdin ends.
int run_bystanders();

/// Name of the hidden command that starts it.
inline constexpr const char* kBystandersCommand = "spin-on";

}  // namespace tlblab
