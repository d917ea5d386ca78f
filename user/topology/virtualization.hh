// SPDX-License-Identifier: GPL-2.0-only
// Bare metal, virtual machine or emulation: the signs user space can see, and what they add up to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "user/topology/machine.hh"

namespace tlblab {

/// What was found, nothing concluded yet. An empty optional could not be read.
struct VirtualizationSigns {
  bool x86 = false;  ///< then the three cpuid members are meaningful
  bool cpuid_hypervisor_bit = false;
  std::string cpuid_signature;  ///< 12 characters of leaf 0x40000000
  std::string cpu_brand;        ///< "model name"

  std::optional<unsigned> implementer;         ///< arm64: "CPU implementer" of /proc/cpuinfo
  std::optional<std::string> dmi_vendor;       ///< /sys/class/dmi/id/sys_vendor
  std::optional<std::string> dmi_product;      ///< /sys/class/dmi/id/product_name
  std::optional<std::string> acpi_oem;         ///< maker of the ACPI tables; root only
  std::optional<std::string> tree_platform;    ///< device tree: root node's "compatible"
  std::optional<std::string> tree_hypervisor;  ///< device tree: "compatible" of node hypervisor
  std::optional<std::string> sys_hypervisor;   ///< /sys/hypervisor/type
  std::optional<std::uint64_t> steal_ticks;    ///< /proc/stat since boot, all CPUs
};

/// Reads the signs; every path has `root` in front of it ("" is the machine itself).
VirtualizationSigns read_virtualization_signs(const std::string& root = "");

/// Adds the signs that an instruction tells; user/arch/<a>/virtualization_signs.cc.
void add_cpu_signs(VirtualizationSigns& signs);

/// Pure. Every sign becomes a sentence of evidence, contrary ones too.
Virtualization judge_virtualization(const VirtualizationSigns& signs);

}  // namespace tlblab
