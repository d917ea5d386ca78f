// SPDX-License-Identifier: GPL-2.0-only
// A header in words and groups of facts.
#include "user/analysis/run_description.hh"

#include <fmt/format.h>

namespace tlblab {
namespace {

std::vector<std::string> warnings_of(const records::RunHeader& header, bool emulated) {
  std::vector<std::string> warnings;
  for (const MachineFinding& finding : header.findings) {
    if (finding.severity < Severity::kWarning) continue;
    // What disturbs times is no matter where there are none, and speaks in times itself.
    if (emulated && finding.check != "machine") continue;
    warnings.push_back(
        fmt::format("seen right before the run: {}: {}", finding.check, finding.seen));
  }
  return warnings;
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
  run.machine = {
      {"What it is", kind}, {"CPU and topology", machine.topology}, {"Kernel", kernel},
      {"TLB", machine.tlb}, {"Mitigations", machine.mitigations},   {"Settings", machine.settings}};
  run.warnings = warnings_of(header, run.emulated);
  return run;
}

}  // namespace tlblab
