// SPDX-License-Identifier: GPL-2.0-only
// A check as a person reads it, and as JSON. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "user/model/shape.hh"
#include "user/oracle/check.hh"

namespace tlblab {

/// What a check was made on and with.
struct CheckSetting {
  Shape shape;
  std::vector<int> cpus;
  oracle::Effort effort;
  bool emulated = false;  ///< then no time is shown
};

/// The faults, the matrix of verdicts, what was seen, and the conclusion. Lines of `width` columns.
std::string check_text(const oracle::CheckRecord& record, const CheckSetting& setting,
                       std::size_t width);
std::string check_json(const oracle::CheckRecord& record, const CheckSetting& setting);

/// One thing seen, as a sentence: who, where, what, when.
std::string finding_text(const oracle::Finding& finding, bool emulated);

}  // namespace tlblab
