// SPDX-License-Identifier: GPL-2.0-only
// A header in words and groups of facts.
#include "user/analysis/run_description.hh"

#include <fmt/format.h>

#include <algorithm>

namespace tlblab {
namespace {

/// Value and source in one.
std::vector<Fact> shown(const std::vector<FlushFact>& flushing) {
  if (flushing.empty()) return {{"", "not recorded: the file is of an earlier tlblab"}};
  std::vector<Fact> facts;
  facts.reserve(flushing.size());
  for (const FlushFact& fact : flushing) {
    facts.emplace_back(fact.name, fmt::format("{} [{}]", fact.value, fact.source));
  }
  return facts;
}

/// `when`: "the run", "going on at 2026-01-01T00:00:00Z".
void add_findings(RunDescription& run, const std::vector<MachineFinding>& findings,
                  const std::string& when) {
  for (const MachineFinding& finding : findings) {
    if (finding.severity < Severity::kWarning) continue;
    // What disturbs times is no matter where there are none, and speaks in times itself.
    if (run.emulated && finding.check != "machine") continue;
    run.warnings.push_back(
        fmt::format("seen right before {}: {}: {}", when, finding.check, finding.seen));
    const bool told = std::count(run.trouble.begin(), run.trouble.end(), finding.check) > 0;
    if (finding.severity == Severity::kTrouble && !told) run.trouble.push_back(finding.check);
  }
}

}  // namespace

RunDescription describe(const records::RunHeader& header) {
  const Machine& machine = header.machine;
  const Virtualization& virtualization = machine.virtualization;
  RunDescription run;
  run.tool_version = header.version;
  run.git_revision = header.git;
  run.started_utc = header.started_utc;
  run.command = header.argv;
  run.machine_kind = name(virtualization.kind);
  run.emulated = virtualization.kind == MachineKind::kEmulated;
  run.machine_line =
      fmt::format("{}{}, {}, {} CPUs, Linux {}",
                  virtualization.hypervisor.empty() ? "" : virtualization.hypervisor + ", ",
                  machine.cpu_model, machine.arch, machine.nr_cpus_online, machine.kernel);
  std::vector<Fact> kind = {{"kind", run.machine_kind}};
  for (const std::string& evidence : virtualization.evidence) kind.emplace_back("", evidence);
  const std::vector<Fact> kernel = {{"release", machine.kernel},
                                    {"version", machine.kernel_version},
                                    {"distribution", machine.distribution},
                                    {"command line", machine.command_line},
                                    {"config (sha256)", machine.config_digest},
                                    {"microcode", machine.microcode},
                                    {"clock source", machine.clock_source}};
  run.machine = {{"What it is", kind},
                 {"CPU and topology", machine.topology},
                 {"Kernel", kernel},
                 {"TLB", machine.tlb},
                 {"Flushes", shown(machine.flushing)},
                 {"Mitigations", machine.mitigations},
                 {"Settings", machine.settings}};
  run.flushing = machine.flushing;
  add_findings(run, header.findings, "the run");
  return run;
}

void add_later_run(RunDescription& run, const records::RunHeader& later) {
  add_findings(run, later.findings, "it went on at " + later.started_utc);
  const std::string differing = in_words(differing_facts(run.flushing, later.machine.flushing));
  if (!differing.empty()) {
    run.warnings.push_back(fmt::format("what flushes do differed when it went on at {}: {}",
                                       later.started_utc, differing));
  }
}

}  // namespace tlblab
