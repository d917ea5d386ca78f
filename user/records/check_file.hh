// SPDX-License-Identifier: GPL-2.0-only
// A check's result file, read back whole.
#pragma once

#include <string>
#include <vector>

#include "user/model/check.hh"
#include "user/records/header.hh"

namespace tlblab::records {

struct CheckFile {
  CheckHeader header;
  std::vector<CheckedCell> cells;     ///< in the order in which they were checked
  std::vector<std::string> warnings;  ///< a torn last line
};

/// Throws Error(kUsage): not there, not a check's file, another schema, or damaged at line N.
CheckFile read_check_file(const std::string& path);

}  // namespace tlblab::records
