// SPDX-License-Identifier: GPL-2.0-only
// Rows of /proc/interrupts, per CPU.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tlblab::counters {

/// One CPU's count in the row with that label ("TLB", "IPI1"). Empty if there is no such row, or no
/// column for that CPU (offline CPUs have none), or the text is cut off.
std::optional<std::uint64_t> interrupt_count(std::string_view text, std::string_view label,
                                             int cpu);

/// The label of the row whose description begins with the given text: "Function call interrupts" ->
/// "CAL" on x86, "IPI1" on arm64. Empty if there is none.
std::string find_interrupt_label(std::string_view text, std::string_view description);

/// Keeps /proc/interrupts open, so that taking a snapshot is one or two system calls.
class InterruptsFile {
 public:
  InterruptsFile();
  ~InterruptsFile();
  InterruptsFile(const InterruptsFile&) = delete;
  InterruptsFile& operator=(const InterruptsFile&) = delete;

  /// Replaces `snapshot` by the file's text now; empty if it can't be read. Allocates only if the
  /// text outgrew what `snapshot` held before.
  void read(std::vector<char>& snapshot);

 private:
  int fd_;
};

}  // namespace tlblab::counters
