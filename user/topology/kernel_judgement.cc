// SPDX-License-Identifier: GPL-2.0-only
// Judging what a kernel lets itself be asked, and what it does to flushes.
#include "user/topology/kernel_judgement.hh"

#include <fmt/format.h>

#include <string>

namespace tlblab {

MachineFinding judge_counting(const Disturbance& d) {
  MachineFinding finding{Severity::kOk, "counting", "", ""};
  finding.seen = d.perf_event_paranoid
                     ? fmt::format("kernel.perf_event_paranoid {}, {}", *d.perf_event_paranoid,
                                   d.privileged ? "privileged" : "not privileged")
                     : "no perf events in this kernel or sandbox";
  if (closes_tracefs(d.module_rules)) {
    finding.severity = Severity::kNote;
    finding.seen += ", locked down (confidentiality)";
    finding.advice =
        "Times are not affected, but this lockdown closes tracefs and kprobes to everybody: no "
        "tracepoint can be counted. The processor's events and /proc/interrupts are left.";
  } else if (!d.perf_event_paranoid || !d.privileged) {
    finding.severity = Severity::kNote;
    finding.advice =
        "Times are not affected, but tracepoints can't be counted: run as root or with CAP_PERFMON "
        "to see flushes and interrupts. `tlblab info` lists what can be counted.";
  }
  return finding;
}

MachineFinding judge_flushes(const std::vector<FlushFact>& flushing, const ModuleRules& rules) {
  std::string unusual;
  std::string unknown;
  for (const FlushFact& fact : flushing) {
    if (changes_flushes(fact)) {
      unusual += fmt::format("{}{}: {}", unusual.empty() ? "" : "; ", fact.name, fact.value);
    }
    if (!fact.known()) unknown += (unknown.empty() ? "" : ", ") + fact.name;
  }
  MachineFinding finding{Severity::kOk, "flushes", "", ""};
  finding.seen = unusual.empty() ? "nothing unusual known" : unusual;
  if (!unknown.empty()) {
    finding.seen += "; unknown: " + unknown;
    if (closes_debugfs(rules)) {
      finding.seen += fmt::format(" (lockdown {} closes debugfs)", rules.lockdown.text);
    }
  }
  if (!unusual.empty()) {
    finding.severity = Severity::kNote;
    finding.advice =
        "It changes what a flush costs, or what of it can be counted: compare only with machines "
        "that are alike in it. `tlblab info` says what each fact means.";
  }
  return finding;
}

MachineFinding judge_module(const ModuleRules& rules) {
  const std::string why = why_unsigned_is_refused(rules);
  if (why.empty()) {
    return {
        Severity::kOk, "module",
        rules.lockdown.ok()
            ? "nothing refuses an unsigned tlblab.ko"
            : fmt::format("nothing known refuses an unsigned tlblab.ko; lockdown is unknown: {}",
                          rules.lockdown.problem),
        ""};
  }
  return {Severity::kNote, "module", why,
          fmt::format("An unsigned tlblab.ko will be refused: {}. The engine `syscall` needs no "
                      "module.",
                      how_to_be_taken(rules))};
}

}  // namespace tlblab
