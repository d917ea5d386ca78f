// SPDX-License-Identifier: GPL-2.0-only
// Writes Google Benchmark's JSON.
#include "user/report/gbench.hh"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "user/model/trial.hh"
#include "user/report/document/format.hh"

namespace tlblab::report {
namespace {

using nlohmann::ordered_json;

ordered_json context_of(const StudyResult& study) {
  ordered_json context;
  context["date"] = clean(study.started_utc);
  context["executable"] = clean(study.command.empty() ? "tlblab" : study.command.front());
  context["num_cpus"] = study.plan.cpus.size();
  context["library_build_type"] = "release";
  context["tlblab_study"] = clean(study.plan.name);
  context["tlblab_version"] = clean(study.tool_version);
  context["tlblab_git_revision"] = clean(study.git_revision);
  context["tlblab_machine"] = clean(study.machine_kind + ": " + study.machine_line);
  if (!shows_time(study)) {
    context["tlblab_note"] = fmt::format("{}: time is not claimed, so there is no entry",
                                         study.emulated ? "emulated" : "no cell may show a time");
  }
  return context;
}

/// An A/A control's two arms are told apart by their letter, not taken for repetitions.
std::string entry_name(const CellResult& cell, const ArmResult& arm, char letter) {
  const std::string name = fmt::format("{}/{}/{}", arm.scheme, cell.plan.shape.name(),
                                       crew_name(cell.plan.nr_responders, cell.plan.nr_bystanders));
  return clean(cell.plan.role == CellRole::kSame ? fmt::format("{}/same:{}", name, letter) : name);
}

}  // namespace

std::string render_gbench(const StudyResult& study) {
  ordered_json file;
  file["context"] = context_of(study);
  ordered_json& entries = file["benchmarks"] = ordered_json::array();
  std::map<std::string, std::size_t> repetitions;  // a scheme may stand in more than one pair
  std::map<std::string, std::size_t> families;
  const auto add = [&](const CellResult& cell, const ArmResult& arm, char letter) {
    const std::string name = entry_name(cell, arm, letter);
    const std::size_t family = families.emplace(name, families.size()).first->second;
    for (const SessionResult& session : cell.sessions) {
      const double level_ns = letter == 'A' ? session.level_a_ns : session.level_b_ns;
      entries.push_back({{"name", name},
                         {"family_index", family},
                         {"per_family_instance_index", 0},
                         {"run_name", name},
                         {"run_type", "iteration"},
                         {"repetitions", 0},
                         {"repetition_index", repetitions[name]++},
                         {"threads", 1},
                         {"iterations", session.nr_blocks * kMeasuredPerBlock / 2},
                         {"real_time", level_ns},
                         {"cpu_time", level_ns},
                         {"time_unit", "ns"}});
    }
  };
  for (const CellResult& cell : study.cells) {
    if (!shows_time(study, cell)) continue;
    add(cell, cell.a, 'A');
    add(cell, cell.b, 'B');
  }
  for (ordered_json& entry : entries) {
    entry["repetitions"] = repetitions.at(entry["name"].get<std::string>());
  }
  return file.dump(2) + "\n";
}

}  // namespace tlblab::report
