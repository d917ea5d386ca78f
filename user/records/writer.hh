// SPDX-License-Identifier: GPL-2.0-only
// Appends records to a result file so that a kill at any moment loses at most the block in flight.
// The file is JSON Lines; docs/result-format.md describes it.
//
//   {"record":"header", ...}        once, first: schema, machine, run, plan
//   {"record":"cell", ...}          a process begins (or resumes) a cell in a session
//   [cell,session,block,order,...]  one trial; the header's "trial_columns" name the columns
//   {"record":"block", ...}         the block above is complete; carries its calibrator
//   {"record":"count", ...}         one trial of the counting pass
//   {"record":"cell_end", ...}      why the cell stopped
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "user/model/trial.hh"

namespace tlblab::records {

inline constexpr int kSchema = 1;

/// An open result file. Lines gather in memory until commit() writes them in one piece.
class Writer {
 public:
  /// Makes a new file that holds `header_line` alone. Throws Error(kUsage) when it exists already,
  /// Error(kMachine) when it can't be written; then nothing is left behind.
  static void create(const std::string& path, const std::string& header_line);

  /// Cuts a last line that was torn by a kill or a full disk. Returns the bytes cut.
  static std::uint64_t mend(const std::string& path);

  explicit Writer(const std::string& path);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Takes the file for this process until the Writer dies; a second run on the same file would
  /// interleave. Throws Error(kUsage) when another process holds it.
  void lock();

  void add_line(std::string_view json);
  /// A trial line. `origin_ns` is the CLOCK_MONOTONIC of the "cell" record it belongs to.
  void add_trial(std::uint32_t cell, unsigned session, std::uint64_t origin_ns, const Trial& trial);

  /// Writes what was added. On failure (disk full) the file is cut back to where it was, what was
  /// added is dropped, and Error(kMachine) is thrown.
  void commit();

 private:
  std::string path_;
  int fd_ = -1;
  std::string pending_;
};

/// Names of the columns of a trial line, in order, for the header.
inline constexpr std::array<std::string_view, 9> kTrialColumns = {
    "cell", "session", "block", "order", "start_ns", "arm", "latency_ns", "state", "responders"};
/// Each element of "responders" is one responder's list of these.
inline constexpr std::array<std::string_view, 3> kResponderColumns = {"stolen_ns", "interrupts",
                                                                      "heartbeats"};

}  // namespace tlblab::records
