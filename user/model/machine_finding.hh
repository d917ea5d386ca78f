// SPDX-License-Identifier: GPL-2.0-only
// What was found on a machine that may disturb a run: `tlblab doctor` shows it, results carry it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tlblab {

enum class Severity {
  kOk,
  kNote,     ///< worth knowing when reading a result
  kWarning,  ///< results will be noisier, or narrower in what they say, than they could be
  kTrouble,  ///< a run now would be void or pointless
};
std::string_view name(Severity severity);  ///< "ok", "note", "warning", "trouble"
std::optional<Severity> parse_severity(std::string_view text);

struct MachineFinding {
  Severity severity = Severity::kOk;
  std::string check;   ///< one word or two, stable: "scheduling", "steal time"
  std::string seen;    ///< what was seen, with numbers
  std::string advice;  ///< what to do; empty when ok
};

}  // namespace tlblab
