// SPDX-License-Identifier: GPL-2.0-only
// Builds and compares headers.
#include "user/experiment/header.hh"

#include <fmt/format.h>
#include <time.h>

#include <array>
#include <nlohmann/json.hpp>

#include "include/tlblab/version.h"
#include "user/counters/counters.hh"
#include "user/experiment/plan_json.hh"
#include "user/records/writer.hh"
#include "user/topology/machine.hh"

namespace tlblab {
namespace {

using nlohmann::json;

/// Lists of (name, value) as JSON arrays of pairs, which keep their order.
json facts(const std::vector<Fact>& list) { return list; }

std::string utc_now() {
  const time_t now = time(nullptr);
  tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

json machine_json(const Machine& machine) {
  const auto [ceiling, ceiling_source] = flush_ceiling_pages();
  return {{"host", machine.hostname},
          {"kind", name(machine.virtualization.kind)},
          {"hypervisor", machine.virtualization.hypervisor},
          {"evidence", machine.virtualization.evidence},
          {"arch", machine.arch},
          {"cpu", machine.cpu_model},
          {"kernel", machine.kernel},
          {"kernel_version", machine.kernel_version},
          {"distribution", machine.distribution},
          {"command_line", machine.command_line},
          {"config_digest", machine.config_digest},
          {"microcode", machine.microcode},
          {"clock_source", machine.clock_source},
          {"cpus_online", machine.nr_cpus_online},
          {"cpus_allowed", machine.nr_cpus_allowed},
          {"nodes", machine.nr_nodes},
          {"flush_ceiling_pages", ceiling},
          {"flush_ceiling_source", ceiling_source},
          {"topology", facts(machine.topology)},
          {"tlb", facts(machine.tlb)},
          {"mitigations", facts(machine.mitigations)},
          {"settings", facts(machine.settings)}};
}

}  // namespace

std::string git_revision() { return TLBLAB_GIT_REVISION; }
std::string tool_version() { return TLBLAB_VERSION; }

std::string make_header(const StudyPlan& plan, const RunOrigin& origin) {
  json findings = json::array();
  for (const Finding& finding : origin.findings) {
    findings.push_back(
        {{"severity", name(finding.severity)}, {"check", finding.check}, {"seen", finding.seen}});
  }
  json missing = json::array();
  for (const counters::EventStatus& event : counters::probe_events()) {
    if (!event.unavailable.empty()) missing.push_back({event.name, event.unavailable});
  }
  return json{{"record", "header"},
              {"schema", records::kSchema},
              {"tool", "tlblab"},
              {"version", tool_version()},
              {"git", git_revision()},
              {"argv", origin.argv},
              {"started", utc_now()},
              {"trial_columns", records::kTrialColumns},
              {"responder_columns", records::kResponderColumns},
              {"machine", machine_json(describe_machine())},
              {"counters_missing", missing},
              {"findings", findings},
              {"plan", plan}}
      .dump();
}

std::string why_not_resumable(const json& header, const StudyPlan& plan) {
  if (header.at("plan") != json(plan)) return "it was made for another plan";
  const Machine here = describe_machine();
  const json& there = header.at("machine");
  for (const auto& [key, value] :
       {std::pair{"host", here.hostname}, {"kernel", here.kernel}, {"cpu", here.cpu_model}}) {
    if (there.at(key) != value) return fmt::format("it was made on another {}", key);
  }
  return "";
}

}  // namespace tlblab
