// SPDX-License-Identifier: GPL-2.0-only
// The machine as JSON.
#include "user/topology/machine_json.hh"

#include <nlohmann/json.hpp>

namespace tlblab {

nlohmann::json machine_json(const Machine& machine) {
  const auto [ceiling, ceiling_source] = flush_ceiling_pages();
  return {{"host", machine.hostname},
          {"kind", name(machine.virtualization.kind)},
          {"hypervisor", machine.virtualization.hypervisor},
          {"evidence", machine.virtualization.evidence},
          {"arch", machine.arch},
          {"cpu", machine.cpu_model},
          {"kernel", machine.kernel},
          {"kernel_version", machine.kernel_version},
          {"distribution", machine.distribution},
          {"command_line", machine.command_line},
          {"config_digest", machine.config_digest},
          {"microcode", machine.microcode},
          {"clock_source", machine.clock_source},
          {"cpus_online", machine.nr_cpus_online},
          {"cpus_allowed", machine.nr_cpus_allowed},
          {"nodes", machine.nr_nodes},
          {"flush_ceiling_pages", ceiling},
          {"flush_ceiling_source", ceiling_source},
          {"topology", machine.topology},
          {"tlb", machine.tlb},
          {"mitigations", machine.mitigations},
          {"settings", machine.settings}};
}

}  // namespace tlblab
