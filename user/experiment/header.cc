// SPDX-License-Identifier: GPL-2.0-only
// Builds and compares headers.
#include "user/experiment/header.hh"

#include <fmt/format.h>
#include <time.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

#include "include/tlblab/version.h"
#include "user/counters/counters.hh"
#include "user/engine/registry.hh"
#include "user/records/plan.hh"
#include "user/topology/machine.hh"

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

/// A number that the kernel draws at boot and tells nobody else.
std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

}  // namespace

std::string git_revision() { return TLBLAB_GIT_REVISION; }
std::string tool_version() { return TLBLAB_VERSION; }

records::RunHeader describe_run(const RunOrigin& origin) {
  Machine machine = describe_machine();
  for (const Fact& fact : distance_facts(origin.distances)) {
    machine.topology.emplace_back("from the initiator, " + fact.first, fact.second);
  }
  return {tool_version(), git_revision(), origin.argv,     utc_now(),
          boot_id(),      machine,        origin.findings, origin.distances};
}

std::string make_header(const StudyPlan& plan, const RunOrigin& origin) {
  records::StudyHeader header{describe_run(origin), {}, {}, {}, plan};
  for (const counters::EventStatus& event : counters::probe_events(plan.cpus)) {
    if (event.unavailable.empty()) {
      header.counters[event.name] = event.source;
    } else {
      header.counters_missing.emplace_back(event.name, event.unavailable);
    }
  }
  for (const CellPlan& cell : plan.cells) {
    for (const std::string& scheme : {cell.a, cell.b}) {
      header.summaries[scheme] = parse_scheme(scheme).info().summary;
    }
  }
  return records::encode(header);
}

std::string why_not_resumable(const records::StudyHeader& header, const StudyPlan& plan) {
  StudyPlan wanted = plan;
  if (plan.seed_is_drawn) wanted.seed = header.plan.seed;
  if (json(header.plan) != json(wanted)) return "it was made for another plan";
  if (header.version != tool_version()) {
    return fmt::format("it was made by tlblab {}, this is {}", header.version, tool_version());
  }
  const Machine here = describe_machine();
  const Machine& there = header.machine;
  for (const auto& [what, is_same] : {std::pair{"host", there.hostname == here.hostname},
                                      {"kernel", there.kernel == here.kernel},
                                      {"cpu", there.cpu_model == here.cpu_model}}) {
    if (!is_same) return fmt::format("it was made on another {}", what);
  }
  return "";
}

}  // namespace tlblab
