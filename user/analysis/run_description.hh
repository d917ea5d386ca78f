// SPDX-License-Identifier: GPL-2.0-only
// Where a result comes from: who, when, on what machine, with which program.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "user/records/header.hh"

namespace tlblab {

struct RunDescription {
  std::string tool_version;
  std::string git_revision;
  std::string started_utc;           ///< ISO 8601
  std::vector<std::string> command;  ///< argv that made the file
  std::string machine_kind;          ///< "bare metal" | "virtual machine" | "emulation"
  std::string machine_line;          ///< one line: CPU, kernel, CPUs, hypervisor
  std::vector<std::pair<std::string, std::vector<Fact>>> machine;  ///< groups, in display order
  std::vector<FlushFact> flushing;  ///< of the machine, where recorded
  bool emulated = false;            ///< then no time may be shown
  /// Checks that found, right before a run, that it would be void or pointless; each once. Empty
  /// where no time may be shown.
  std::vector<std::string> trouble;
  std::vector<std::string> warnings;  ///< about the run and its file: a torn last line, ...
};

RunDescription describe(const records::RunHeader& header);

/// Adds what was found before a run that went on in the file.
void add_later_run(RunDescription& run, const records::RunHeader& later);

}  // namespace tlblab
