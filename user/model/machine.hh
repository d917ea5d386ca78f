// SPDX-License-Identifier: GPL-2.0-only
// Names the machine: what a result must carry so that nobody mistakes where it came from.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "user/model/flush_fact.hh"

namespace tlblab {

enum class MachineKind { kBareMetal, kVirtual, kEmulated };
std::string_view name(MachineKind kind);  ///< "bare metal", "virtual machine", "emulation"
std::optional<MachineKind> parse_machine_kind(std::string_view text);

struct Virtualization {
  MachineKind kind = MachineKind::kBareMetal;
  std::string hypervisor;             ///< "KVM", "TCG (QEMU)", ... or empty
  std::vector<std::string> evidence;  ///< each fact that decided it, in words
};

/// A fact about the machine as shown to a person: ("mitigation: l1tf", "Not affected").
using Fact = std::pair<std::string, std::string>;

/// Everything that names the machine. What could not be read says why in its value.
struct Machine {
  std::string hostname;  ///< a digest, never the name: results are meant to be published
  Virtualization virtualization;
  std::string arch;  ///< "x86_64", "aarch64"
  std::string cpu_model;
  std::string kernel;          ///< uname -r
  std::string kernel_version;  ///< uname -v
  std::string distribution;    ///< PRETTY_NAME
  std::string command_line;    ///< /proc/cmdline as publishable_command_line() shows it
  std::string config_digest;   ///< sha256 of the kernel's .config, or why it can't be had
  std::string microcode;
  std::string clock_source;
  unsigned nr_cpus_online = 0;
  unsigned nr_cpus_allowed = 0;
  unsigned nr_nodes = 0;
  /// x86: past so many pages a ranged flush becomes a full one; 0 where the arch has none known.
  unsigned flush_ceiling_pages = 0;
  std::string flush_ceiling_source;  ///< "debugfs", or "kernel default, debugfs unreadable: ..."
  std::vector<Fact> topology;        ///< packages, cores, SMT, caches, NUMA, from hwloc
  std::vector<Fact> tlb;             ///< TLB sizes, and pages
  std::vector<FlushFact> flushing;   ///< docs/flush-facts.md; empty: of before 0.4, not recorded
  std::vector<Fact> mitigations;     ///< /sys/devices/system/cpu/vulnerabilities
  std::vector<Fact> settings;        ///< THP, NUMA balancing, governor, turbo, lockdown, ...
};

}  // namespace tlblab
