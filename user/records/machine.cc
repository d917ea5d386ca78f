// SPDX-License-Identifier: GPL-2.0-only
// A machine as JSON.
#include "user/records/machine.hh"

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace tlblab {

using nlohmann::json;

void to_json(json& to, const FlushFact& fact) { to = {fact.name, fact.value, fact.source}; }

void from_json(const json& from, FlushFact& fact) {
  from.at(0).get_to(fact.name);
  from.at(1).get_to(fact.value);
  from.at(2).get_to(fact.source);
}

void to_json(json& to, const Machine& machine) {
  to = {{"host", machine.hostname},
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
        {"flush_ceiling_pages", machine.flush_ceiling_pages},
        {"flush_ceiling_source", machine.flush_ceiling_source},
        {"topology", machine.topology},
        {"tlb", machine.tlb},
        {"flushing", machine.flushing},
        {"mitigations", machine.mitigations},
        {"settings", machine.settings}};
}

void from_json(const json& from, Machine& machine) {
  const auto kind = parse_machine_kind(from.at("kind").get<std::string>());
  if (!kind) throw std::runtime_error("an unknown kind of machine");
  machine.virtualization.kind = *kind;
  from.at("host").get_to(machine.hostname);
  from.at("hypervisor").get_to(machine.virtualization.hypervisor);
  from.at("evidence").get_to(machine.virtualization.evidence);
  from.at("arch").get_to(machine.arch);
  from.at("cpu").get_to(machine.cpu_model);
  from.at("kernel").get_to(machine.kernel);
  from.at("kernel_version").get_to(machine.kernel_version);
  from.at("distribution").get_to(machine.distribution);
  from.at("command_line").get_to(machine.command_line);
  from.at("config_digest").get_to(machine.config_digest);
  from.at("microcode").get_to(machine.microcode);
  from.at("clock_source").get_to(machine.clock_source);
  from.at("cpus_online").get_to(machine.nr_cpus_online);
  from.at("cpus_allowed").get_to(machine.nr_cpus_allowed);
  from.at("nodes").get_to(machine.nr_nodes);
  from.at("flush_ceiling_pages").get_to(machine.flush_ceiling_pages);
  from.at("flush_ceiling_source").get_to(machine.flush_ceiling_source);
  from.at("topology").get_to(machine.topology);
  from.at("tlb").get_to(machine.tlb);
  machine.flushing = from.value("flushing", machine.flushing);
  from.at("mitigations").get_to(machine.mitigations);
  from.at("settings").get_to(machine.settings);
}

}  // namespace tlblab
