// SPDX-License-Identifier: GPL-2.0-only
// What must hold for any rendered report. A test shows that each check catches a fault.
#pragma once

#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "user/report/document/format.hh"

namespace tlblab::report::checks {

/// Lines longer than `columns` code points.
inline std::vector<std::string> long_lines(const std::string& text, std::size_t columns) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (display_width(line) > columns) found.push_back(line);
  }
  return found;
}

/// Anything that reads as a time, or as a ratio of times.
inline std::vector<std::string> times(const std::string& text) {
  static const std::regex time("[0-9] ?(ns|µs|us|ms|s)\\b|[0-9]×|[0-9]x \\[");
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), time), end; at != end; ++at) {
    found.push_back(
        at->prefix().str().substr(at->prefix().length() > 40 ? at->prefix().length() - 40 : 0) +
        at->str());
  }
  return found;
}

/// What a browser would fetch or run: addresses, scripts, imports.
inline std::vector<std::string> foreign_parts(const std::string& html) {
  static const std::regex foreign(
      "https?:|<script|<link|<iframe|<img|@import|url\\(|src=|javascript:| on[a-z]+=\"",
      std::regex::icase);
  std::vector<std::string> found;
  for (std::sregex_iterator at(html.begin(), html.end(), foreign), end; at != end; ++at) {
    found.push_back(at->str());
  }
  return found;
}

/// Ids given twice, and references to ids that do not exist.
inline std::vector<std::string> bad_ids(const std::string& html) {
  static const std::regex id("\\sid=['\"]([^'\"]*)['\"]");
  static const std::regex reference("href=['\"]#([^'\"]*)['\"]");
  std::vector<std::string> found;
  std::set<std::string> ids;
  for (std::sregex_iterator at(html.begin(), html.end(), id), end; at != end; ++at) {
    if (!ids.insert((*at)[1]).second) found.push_back("twice: " + (*at)[1].str());
  }
  for (std::sregex_iterator at(html.begin(), html.end(), reference), end; at != end; ++at) {
    if (ids.count((*at)[1]) == 0) found.push_back("nowhere: " + (*at)[1].str());
  }
  return found;
}

/// Elements that are opened but not closed in order.
inline std::vector<std::string> unbalanced(const std::string& html) {
  static const std::regex tag("<(/?)([a-zA-Z0-9]+)[^>]*?(/?)>");
  static const std::set<std::string> no_content{"meta"};
  std::vector<std::string> open;
  for (std::sregex_iterator at(html.begin(), html.end(), tag), end; at != end; ++at) {
    const std::string name = (*at)[2];
    if ((*at)[3].length() > 0 || no_content.count(name) > 0) continue;
    if ((*at)[1].length() == 0) {
      open.push_back(name);
    } else if (!open.empty() && open.back() == name) {
      open.pop_back();
    } else {
      open.push_back("/" + name);
      break;
    }
  }
  return open;
}

/// Rows of a Markdown table with a different number of cells than the row before.
inline std::vector<std::string> ragged_rows(const std::string& markdown) {
  const auto nr_cells = [](const std::string& line) {
    std::size_t bars = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\\') {
        ++i;
      } else if (line[i] == '|') {
        ++bars;
      }
    }
    return bars;
  };
  std::vector<std::string> found;
  std::istringstream lines(markdown);
  std::size_t before = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t now = line.empty() || line[0] != '|' ? 0 : nr_cells(line);
    if (before != 0 && now != 0 && now != before) found.push_back(line);
    before = now;
  }
  return found;
}

/// The same words with single spaces, so that a wrapped text can be compared.
inline std::string on_one_line(const std::string& text) {
  std::istringstream words(text);
  std::string out;
  for (std::string word; words >> word;) out += (out.empty() ? "" : " ") + word;
  return out;
}

}  // namespace tlblab::report::checks
