// SPDX-License-Identifier: GPL-2.0-only
// Headers as JSON.
#include "user/records/header.hh"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "user/records/early_files.hh"
#include "user/records/machine.hh"
#include "user/records/plan.hh"
#include "user/support/error.hh"

namespace tlblab::records {
namespace {

using nlohmann::json;

json run_to_json(const RunHeader& header) {
  json findings = json::array();
  for (const MachineFinding& finding : header.findings) {
    findings.push_back(
        {{"severity", name(finding.severity)}, {"check", finding.check}, {"seen", finding.seen}});
  }
  json distances = json::array();
  for (const CpuDistance& distance : header.distances) {
    distances.push_back({distance.cpu, distance.words});
  }
  return {{"record", "header"},           {"schema", kSchema},
          {"schema_minor", kSchemaMinor}, {"tool", "tlblab"},
          {"version", header.version},    {"git", header.git},
          {"argv", header.argv},          {"started", header.started_utc},
          {"boot_id", header.boot_id},    {"machine", header.machine},
          {"findings", findings},         {"distances", distances}};
}

void run_from_json(const json& from, RunHeader& header) {
  from.at("version").get_to(header.version);
  from.at("git").get_to(header.git);
  from.at("argv").get_to(header.argv);
  from.at("started").get_to(header.started_utc);
  header.boot_id = from.value("boot_id", "");
  from.at("machine").get_to(header.machine);
  for (const json& finding : from.at("findings")) {
    const auto severity = parse_severity(finding.at("severity").get<std::string>());
    if (!severity) throw std::runtime_error("an unknown severity");
    header.findings.push_back({*severity, finding.at("check").get<std::string>(),
                               finding.at("seen").get<std::string>(), ""});
  }
  for (const json& distance : from.value("distances", json::array())) {
    header.distances.push_back({distance.at(0).get<int>(), distance.at(1).get<std::string>()});
  }
}

json to_json_value(const CheckSetting& setting) {
  return {{"vmas", setting.shape.nr_vmas},  {"pages", setting.shape.pages_per_vma},
          {"gap", setting.shape.gap_pages}, {"cpus", setting.cpus},
          {"seconds", setting.seconds},     {"rounds", setting.rounds},
          {"write", setting.write},         {"faulty_scheme", setting.faulty_scheme},
          {"cells", setting.nr_cells}};
}

CheckSetting setting_of(const json& from) {
  CheckSetting setting;
  from.at("vmas").get_to(setting.shape.nr_vmas);
  from.at("pages").get_to(setting.shape.pages_per_vma);
  from.at("gap").get_to(setting.shape.gap_pages);
  from.at("cpus").get_to(setting.cpus);
  from.at("seconds").get_to(setting.seconds);
  from.at("rounds").get_to(setting.rounds);
  from.at("write").get_to(setting.write);
  from.at("faulty_scheme").get_to(setting.faulty_scheme);
  from.at("cells").get_to(setting.nr_cells);
  return setting;
}

/// What others gave us, an argument or a file of the kernel's, need not be UTF-8, which JSON must
/// be: bytes that are not become U+FFFD.
std::string dumped(const json& record) {
  return record.dump(-1, ' ', false, json::error_handler_t::replace);
}

json parse_header(const std::string& line, const std::string& path) {
  json record = json::parse(line, nullptr, false);
  const bool has_schema = record.is_object() && record.value("record", json()) == "header" &&
                          record.contains("schema") && record["schema"].is_number_integer();
  const bool has_plan = has_schema && record.contains("plan") && record["plan"].contains("cells");
  if (!has_plan && !(has_schema && record.contains("check"))) {
    throw Error(ExitStatus::kUsage, fmt::format("{} is not a tlblab result file", path),
                "Name a file that tlblab wrote (docs/result-format.md).");
  }
  const int schema = record["schema"].get<int>();
  if (schema < kFirstSchema || schema > kSchema) {
    throw Error(ExitStatus::kUsage,
                fmt::format("{} has schema {}, this tlblab reads schemas {} to {}", path, schema,
                            kFirstSchema, kSchema),
                schema > kSchema ? "Read it with the newer tlblab that wrote it."
                                 : "Read it with the tlblab version that its header names.");
  }
  return record;
}

/// The header read by `read`, whose errors are the file's.
template <typename Header, typename Read>
Header decoded(const std::string& line, const std::string& path, const char* key,
               const char* advice, const Read& read) {
  const json record = parse_header(line, path);
  if (!record.contains(key)) {
    throw Error(ExitStatus::kUsage, fmt::format("{} holds something else", path), advice);
  }
  try {
    Header header;
    run_from_json(record, header);
    read(record, header);
    return header;
  } catch (const std::exception& error) {
    throw Error(ExitStatus::kUsage, fmt::format("{}: bad header: {}", path, error.what()), advice);
  }
}

}  // namespace

std::string encode(const StudyHeader& header) {
  json record = run_to_json(header);
  record["trial_states"] = header.trial_states;
  record["counters_missing"] = header.counters_missing;
  record["counters"] = header.counters;
  record["summaries"] = header.summaries;
  record["plan"] = header.plan;
  return dumped(record);
}

std::string encode(const CheckHeader& header) {
  json record = run_to_json(header);
  record["check"] = to_json_value(header.setting);
  return dumped(record);
}

std::string encode_later_run(const RunHeader& run) {
  json record = run_to_json(run);
  record["record"] = "run";
  return dumped(record);
}

RunHeader decode_later_run(const json& record) {
  RunHeader run;
  run_from_json(record, run);
  return run;
}

FileKind kind_of(const std::string& line, const std::string& path) {
  return parse_header(line, path).contains("plan") ? FileKind::kStudy : FileKind::kCheck;
}

StudyHeader decode_study_header(const std::string& line, const std::string& path) {
  return decoded<StudyHeader>(
      line, path, "plan",
      "Name a file that `tlblab study` or `tlblab ab` wrote (docs/result-format.md).",
      [](const json& record, StudyHeader& header) {
        record.at("counters_missing").get_to(header.counters_missing);
        header.counters = record.value("counters", header.counters);
        record.at("plan").get_to(header.plan);
        record.at("schema").get_to(header.schema);
        header.trial_states = record.value("trial_states", header.trial_states);
        header.trial_columns = record.value("trial_columns", header.trial_columns);
        header.responder_columns = record.value("responder_columns", header.responder_columns);
        header.summaries = record.contains("summaries")
                               ? record.at("summaries").get<std::map<std::string, std::string>>()
                               : early_summaries(header.plan);
      });
}

CheckHeader decode_check_header(const std::string& line, const std::string& path) {
  return decoded<CheckHeader>(line, path, "check",
                              "Name a file that `tlblab check` wrote (docs/result-format.md).",
                              [](const json& record, CheckHeader& header) {
                                header.setting = setting_of(record.at("check"));
                              });
}

}  // namespace tlblab::records
