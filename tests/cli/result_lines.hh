// SPDX-License-Identifier: GPL-2.0-only
// A result file as its raw lines, read without tlblab's own reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace tlblab::cli {

using nlohmann::json;

struct ResultLines {
  json header;
  /// Each as [cell, session, block, order, start_ns, arm, latency_ns, state].
  std::vector<json> trials;
  std::map<std::string, std::vector<json>> records;  ///< by "record"

  /// Throws when a line is not JSON.
  explicit ResultLines(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const json parsed = json::parse(line);
      if (parsed.at("record") == "header") {
        header = parsed;
        continue;
      }
      records[parsed.at("record")].push_back(parsed);
      if (parsed.at("record") == "block") add_trials(parsed);
    }
  }

 private:
  void add_trials(const json& block) {
    const auto arms = block.at("arm").get<std::string>();
    auto end_ns = block.at("start_ns").get<std::int64_t>();
    for (std::size_t i = 0; i < arms.size(); ++i) {
      const std::int64_t start_ns = end_ns + block.at("outside_ns").at(i).get<std::int64_t>();
      end_ns = start_ns + block.at("latency_ns").at(i).get<std::int64_t>();
      trials.push_back({block.at("cell"), block.at("session"), block.at("block"), i, start_ns,
                        arms.substr(i, 1), block.at("latency_ns").at(i),
                        header.at("trial_states").at(block.at("state").at(i).get<std::size_t>())});
    }
  }
};

}  // namespace tlblab::cli
