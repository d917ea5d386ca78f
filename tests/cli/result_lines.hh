// SPDX-License-Identifier: GPL-2.0-only
// A result file as its raw lines, read without tlblab's own reader.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace tlblab::cli {

using nlohmann::json;

struct ResultLines {
  json header;
  std::vector<json> trials;
  std::map<std::string, std::vector<json>> records;  ///< by "record"

  /// Throws when a line is not JSON.
  explicit ResultLines(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const json parsed = json::parse(line);
      if (parsed.is_array()) {
        trials.push_back(parsed);
      } else if (parsed.at("record") == "header") {
        header = parsed;
      } else {
        records[parsed.at("record")].push_back(parsed);
      }
    }
  }
};

}  // namespace tlblab::cli
