// SPDX-License-Identifier: GPL-2.0-only
// `tlblab list`: engines, their schemes, the studies.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "user/commands/commands.hh"
#include "user/engine/engine.hh"
#include "user/experiment/study_file.hh"
#include "user/support/error.hh"

namespace tlblab {
namespace {

void print_json() {
  nlohmann::json schemes = nlohmann::json::array();
  for (const Engine* engine : engines()) {
    for (const SchemeInfo& scheme : engine->schemes()) {
      schemes.push_back({{"engine", engine->name()},
                         {"name", scheme.name},
                         {"summary", scheme.summary},
                         {"stands_for", scheme.stands_for},
                         {"unavailable", scheme.unavailable}});
    }
  }
  fmt::print("{}\n", nlohmann::json{{"schemes", schemes}, {"studies", known_studies()}}.dump(2));
}

}  // namespace

int run_list(bool as_json) {
  if (as_json) {
    print_json();
    return static_cast<int>(ExitStatus::kOk);
  }
  for (const Engine* engine : engines()) {
    fmt::print("engine {}\n", engine->name());
    for (const SchemeInfo& scheme : engine->schemes()) {
      fmt::print("  {:<24} {}\n  {:<24} {}\n", scheme.name, scheme.summary, "", scheme.stands_for);
      if (!scheme.unavailable.empty())
        fmt::print("  {:<24} NOT HERE: {}\n", "", scheme.unavailable);
    }
  }
  fmt::print("studies\n");
  for (const std::string& path : known_studies()) {
    fmt::print("  {:<24} {}\n", std::filesystem::path(path).stem().string(), path);
  }
  return static_cast<int>(ExitStatus::kOk);
}

}  // namespace tlblab
