// SPDX-License-Identifier: GPL-2.0-only
// The header record, first in every result file: who measured what, where, with which program. And
// the record of a later run that went on in the file: who did, where it was then, with which.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "user/model/check.hh"
#include "user/model/distance.hh"
#include "user/model/machine.hh"
#include "user/model/machine_finding.hh"
#include "user/model/plan.hh"
#include "user/records/block.hh"
#include "user/records/lines.hh"

namespace tlblab::records {

/// What every header says.
struct RunHeader {
  std::string version;  ///< of tlblab
  std::string git;      ///< revision it was built from
  std::vector<std::string> argv;
  std::string started_utc;  ///< ISO 8601
  std::string boot_id;      ///< the kernel's, of random bits; empty in early files
  Machine machine;
  std::vector<MachineFinding> findings;  ///< of the look right before; without advice
  /// Of the plan's CPUs after the first, from the first. Early files lack it, and checks.
  std::vector<CpuDistance> distances;
};

struct StudyHeader : RunHeader {
  std::vector<std::pair<std::string, std::string>> counters_missing;  ///< event, reason
  /// Event that could be counted -> by what. Early files lack it.
  std::map<std::string, std::string> counters;
  /// Full name of a scheme of the plan -> what it does, in a few words. Early files lack it.
  std::map<std::string, std::string> summaries;
  StudyPlan plan;
  int schema = kSchema;
  /// Names of trial states, by the number that stands for each in a block.
  std::vector<std::string> trial_states = state_names();
  /// Of schema 1 only: of the trial lines that follow, in their order, as the file names them.
  std::vector<std::string> trial_columns{};
  std::vector<std::string> responder_columns{};
};

struct CheckHeader : RunHeader {
  CheckSetting setting;
};

enum class FileKind { kStudy, kCheck };

/// One line of JSON.
std::string encode(const StudyHeader& header);
std::string encode(const CheckHeader& header);
/// The record of a run that goes on in a file which another began.
std::string encode_later_run(const RunHeader& run);
/// Throws a std::exception.
RunHeader decode_later_run(const nlohmann::json& record);

/// What the file with this header line holds. Throws Error(kUsage): it is no tlblab result file, or
/// of another schema. `path` is for the message.
FileKind kind_of(const std::string& line, const std::string& path);

/// Throw as kind_of() does, or that the file is of the other kind, or what is wrong in the header.
StudyHeader decode_study_header(const std::string& line, const std::string& path);
CheckHeader decode_check_header(const std::string& line, const std::string& path);

}  // namespace tlblab::records
