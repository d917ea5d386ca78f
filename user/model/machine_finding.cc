// SPDX-License-Identifier: GPL-2.0-only
// Names of severities.
#include "user/model/machine_finding.hh"

namespace tlblab {

std::string_view name(Severity severity) {
  switch (severity) {
    case Severity::kOk:
      return "ok";
    case Severity::kNote:
      return "note";
    case Severity::kWarning:
      return "warning";
    case Severity::kTrouble:
      return "trouble";
  }
  return "unknown";
}

std::optional<Severity> parse_severity(std::string_view text) {
  for (const Severity severity :
       {Severity::kOk, Severity::kNote, Severity::kWarning, Severity::kTrouble}) {
    if (text == name(severity)) return severity;
  }
  return std::nullopt;
}

}  // namespace tlblab
