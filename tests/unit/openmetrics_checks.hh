// SPDX-License-Identifier: GPL-2.0-only
// What must hold for OpenMetrics text: a strict reader of what tlblab writes of OpenMetrics 1.0.
#pragma once

#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace tlblab::report::openmetrics {

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;  ///< unescaped
  double value = 0;
};

struct Text {
  std::vector<Sample> samples;
  std::vector<std::string> faults;  ///< each begins with the rule that is broken
};

namespace parts {

struct Family {
  std::string type;
  std::string unit;
  bool has_help = false;
  bool closed = false;  ///< another one began
};

inline bool is_name(const std::string& text) {
  const std::string letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  return !text.empty() && letters.find(text[0]) != std::string::npos &&
         text.find_first_not_of(letters + "0123456789") == std::string::npos;
}

inline bool ends_with_word(const std::string& name, const std::string& word) {
  const std::string end = "_" + word;
  return name.size() > end.size() &&
         name.compare(name.size() - end.size(), std::string::npos, end) == 0;
}

/// Takes an escaped string up to an unescaped quote, or to the end; empty: badly escaped.
inline std::optional<std::string> take_escaped(const std::string& text, std::size_t& at) {
  std::string out;
  for (; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] != '\\') {
      out += text[at];
      continue;
    }
    if (++at == text.size()) return std::nullopt;
    if (text[at] != 'n' && text[at] != '"' && text[at] != '\\') return std::nullopt;
    out += text[at] == 'n' ? '\n' : text[at];
  }
  return out;
}

/// name{label="value",...} value
inline std::optional<Sample> sample_of(const std::string& line) {
  Sample sample;
  std::size_t at = line.find('{');
  if (at == std::string::npos) return std::nullopt;
  sample.name = line.substr(0, at);
  while (line[at] != '}') {
    const std::size_t equals = line.find("=\"", ++at);
    if (equals == std::string::npos) return std::nullopt;
    const std::string label = line.substr(at, equals - at);
    at = equals + 2;
    const std::optional<std::string> value = take_escaped(line, at);
    if (!value || !is_name(label) || ++at >= line.size()) return std::nullopt;
    if (!sample.labels.emplace(label, *value).second) return std::nullopt;
    if (line[at] != ',' && line[at] != '}') return std::nullopt;
  }
  if (++at >= line.size() || line[at] != ' ') return std::nullopt;
  const std::string number = line.substr(at + 1);
  char* end = nullptr;
  sample.value = std::strtod(number.c_str(), &end);
  if (number.empty() || number[0] == ' ' || *end != '\0') return std::nullopt;
  return is_name(sample.name) ? std::optional(sample) : std::nullopt;
}

}  // namespace parts

inline Text read(const std::string& text) {
  Text found;
  std::map<std::string, parts::Family> families;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> seen;
  std::string open;
  bool ended = false;
  const auto fault = [&](const std::string& rule, const std::string& line) {
    found.faults.push_back(rule + ": " + line);
  };
  const auto describe = [&](const std::string& line) {
    std::istringstream words(line);
    std::string hash;
    std::string what;
    std::string name;
    words >> hash >> what >> name;
    std::string rest;
    std::getline(words >> std::ws, rest);
    if (what == "TYPE") {
      const std::set<std::string> types{"gauge", "info", "stateset"};
      if (types.count(rest) == 0 || !parts::is_name(name)) return fault("type", line);
      if (!open.empty()) families[open].closed = true;
      if (!families.emplace(name, parts::Family{rest, "", false, false}).second) {
        return fault("declared twice", line);
      }
      open = name;
      return;
    }
    if (name != open) return fault("belongs to another family", line);
    parts::Family& family = families[name];
    if (what == "UNIT") {
      if (!family.unit.empty() || !parts::ends_with_word(name, rest)) return fault("unit", line);
      family.unit = rest;
    } else if (what == "HELP") {
      std::size_t at = 0;
      const bool good = parts::take_escaped(rest, at).has_value() && at == rest.size();
      if (family.has_help || !good) return fault("help", line);
      family.has_help = true;
    } else {
      fault("comment", line);
    }
  };
  const auto add = [&](const std::string& line) {
    const std::optional<Sample> sample = parts::sample_of(line);
    if (!sample) return fault("syntax", line);
    std::string name = sample->name;
    const bool is_info = parts::ends_with_word(name, "info");
    if (is_info) name.resize(name.size() - std::string("_info").size());
    const auto family = families.find(name);
    if (family == families.end() || family->second.closed) return fault("not declared", line);
    if ((family->second.type == "info") != is_info) return fault("suffix", line);
    if (!std::isfinite(sample->value)) return fault("no number", line);
    if (is_info && sample->value != 1) return fault("info", line);
    if (family->second.type == "stateset" &&
        (sample->labels.count(name) == 0 || (sample->value != 0 && sample->value != 1))) {
      return fault("stateset", line);
    }
    if (parts::ends_with_word(name, "seconds") && family->second.unit != "seconds") {
      return fault("no unit", line);
    }
    if (!seen.emplace(sample->name, sample->labels).second) return fault("twice", line);
    found.samples.push_back(*sample);
  };
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (ended) fault("after the end", line);
    if (line == "# EOF") {
      ended = true;
    } else if (line.compare(0, 1, "#") == 0) {
      describe(line);
    } else {
      add(line);
    }
  }
  if (!ended || text.back() != '\n') fault("no end", "");
  return found;
}

}  // namespace tlblab::report::openmetrics
