// SPDX-License-Identifier: GPL-2.0-only
// Reads the records of a check.
#include "user/records/check_file.hh"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "user/records/checked_cell.hh"
#include "user/records/lines.hh"

namespace tlblab::records {

CheckFile read_check_file(const std::string& path) {
  CheckFile file;
  file.warnings = read_lines(
      path, [&](const std::string& line) { file.header = decode_check_header(line, path); },
      [&](std::string_view line) {
        const auto record = nlohmann::json::parse(line);
        const auto kind = record.at("record").get<std::string>();
        if (kind != "checked") throw std::runtime_error(fmt::format("unknown record \"{}\"", kind));
        file.cells.push_back(decode_checked_cell(record));
      });
  return file;
}

}  // namespace tlblab::records
