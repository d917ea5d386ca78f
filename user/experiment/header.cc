// SPDX-License-Identifier: GPL-2.0-only
// Builds and compares headers.
#include "user/experiment/header.hh"

#include <fmt/format.h>
#include <time.h>

#include <array>
#include <nlohmann/json.hpp>

#include "include/tlblab/version.h"
#include "user/counters/counters.hh"
#include "user/records/plan.hh"
#include "user/records/writer.hh"
#include "user/topology/machine_json.hh"

namespace tlblab {
namespace {

using nlohmann::json;

std::string utc_now() {
  const time_t now = time(nullptr);
  tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace

std::string git_revision() { return TLBLAB_GIT_REVISION; }
std::string tool_version() { return TLBLAB_VERSION; }

std::string make_header(const StudyPlan& plan, const RunOrigin& origin) {
  json findings = json::array();
  for (const MachineFinding& finding : origin.findings) {
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
