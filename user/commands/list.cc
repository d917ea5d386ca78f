// SPDX-License-Identifier: GPL-2.0-only
// `tlblab list`: engines, their schemes, the studies.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "user/commands/commands.hh"
#include "user/commands/layout.hh"
#include "user/engine/registry.hh"
#include "user/experiment/study_file.hh"
#include "user/oracle/planted_faults.hh"
#include "user/support/error.hh"

namespace tlblab {
namespace {

void print_json() {
  nlohmann::json schemes = nlohmann::json::array();
  nlohmann::json parameters = nlohmann::json::array();
  for (const Engine* engine : engines()) {
    for (const ParameterInfo& parameter : engine->parameters()) {
      parameters.push_back(
          {{"engine", engine->name()}, {"form", parameter.form}, {"meaning", parameter.meaning}});
    }
    for (const SchemeInfo& scheme : engine->schemes()) {
      schemes.push_back({{"engine", engine->name()},
                         {"name", scheme.name},
                         {"summary", scheme.summary},
                         {"stands_for", scheme.stands_for},
                         {"unavailable", scheme.unavailable}});
    }
  }
  nlohmann::json faults = nlohmann::json::array();
  for (const oracle::PlantedFault& fault : oracle::planted_faults()) {
    faults.push_back({{"name", fault.name}, {"meaning", fault.meaning}});
  }
  const nlohmann::json all = {{"schemes", schemes},
                              {"parameters", parameters},
                              {"faults", faults},
                              {"studies", known_studies()}};
  fmt::print("{}\n", all.dump(2));
}

/// The reason that all schemes of an engine share, or nothing.
std::string why_none(const Engine& engine) {
  const auto schemes = engine.schemes();
  const std::string& first = schemes.front().unavailable;
  const bool shared = std::all_of(schemes.begin(), schemes.end(), [&](const SchemeInfo& scheme) {
    return scheme.unavailable == first;
  });
  return shared ? first : "";
}

void print_engine(const Engine& engine) {
  const std::size_t width = terminal_width();
  const std::string none = why_none(engine);
  fmt::print("engine {}\n", engine.name());
  if (!none.empty()) fmt::print("  NOT HERE: {}\n", wrapped(none, 12, width));
  for (const SchemeInfo& scheme : engine.schemes()) {
    fmt::print("  {:<24} {}\n  {:<24} {}\n", scheme.name, scheme.summary, "",
               wrapped(scheme.stands_for, 27, width));
    if (!scheme.unavailable.empty() && none.empty())
      fmt::print("  {:<24} NOT HERE: {}\n", "", scheme.unavailable);
  }
  if (engine.parameters().empty()) return;
  fmt::print("  parameters, after a name and a comma: {},exact,batch=64\n",
             engine.schemes().front().name);
  for (const ParameterInfo& parameter : engine.parameters()) {
    fmt::print("    {:<22} {}\n", parameter.form, wrapped(parameter.meaning, 27, width));
  }
}

}  // namespace

int run_list(bool as_json) {
  if (as_json) {
    print_json();
    return static_cast<int>(ExitStatus::kOk);
  }
  for (const Engine* engine : engines()) print_engine(*engine);
  fmt::print("threads and commits that are named above: docs/sources.md in tlblab's source tree\n");
  fmt::print("faults, planted by `tlblab check` to show that it sees\n");
  for (const oracle::PlantedFault& fault : oracle::planted_faults()) {
    fmt::print("  {:<24} {}\n", fault.name, wrapped(fault.meaning, 27, terminal_width()));
  }
  fmt::print("studies\n");
  for (const std::string& path : known_studies()) {
    fmt::print("  {:<24} {}\n", std::filesystem::path(path).stem().string(), path);
  }
  return static_cast<int>(ExitStatus::kOk);
}

}  // namespace tlblab
