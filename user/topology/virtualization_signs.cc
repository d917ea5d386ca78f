// SPDX-License-Identifier: GPL-2.0-only
// Collecting the signs of a hypervisor or emulator.
#include <fmt/format.h>

#include <cstdlib>
#include <sstream>

#include "user/topology/kernel_files.hh"
#include "user/topology/virtualization.hh"

namespace tlblab {
namespace {

std::optional<std::string> text_if_read(const std::string& path) {
  FileText file = read_kernel_file(path);
  if (!file.ok()) return std::nullopt;
  return std::move(file.text);
}

/// Strings of a device-tree list are separated by NULs.
std::optional<std::string> string_list_if_read(const std::string& path) {
  std::optional<std::string> list = text_if_read(path);
  if (list) {
    for (char& c : *list) c = c == '\0' ? ' ' : c;
  }
  return list;
}

/// The six characters at offset 10 of every ACPI table name its maker (ACPI specification 6.5,
/// 5.2.6 "System Description Table Header").
std::optional<std::string> acpi_oem(const std::string& root) {
  const FileText table = read_kernel_file(root + "/sys/firmware/acpi/tables/FACP");
  if (!table.ok() || table.text.size() < 16) return std::nullopt;
  std::string oem = table.text.substr(10, 6);
  for (char& c : oem) c = c >= ' ' && c < 0x7f ? c : ' ';
  while (!oem.empty() && oem.back() == ' ') oem.pop_back();
  return oem;
}

/// The eighth figure of the line "cpu": time the hypervisor gave to others, in ticks.
std::optional<std::uint64_t> steal_ticks(const std::string& root) {
  const FileText stat = read_kernel_file(root + "/proc/stat");
  std::istringstream words(stat.text);
  std::string word;
  if (!(words >> word) || word != "cpu") return std::nullopt;
  std::uint64_t ticks = 0;
  for (int column = 1; column <= 8; ++column) {
    if (!(words >> ticks)) return std::nullopt;
  }
  return ticks;
}

}  // namespace

VirtualizationSigns read_virtualization_signs(const std::string& root) {
  VirtualizationSigns signs;
  const std::string cpuinfo = read_kernel_file(root + "/proc/cpuinfo").text;
  signs.cpu_brand = value_of_key(cpuinfo, "model name");
  add_cpu_signs(signs);
  const std::string implementer = value_of_key(cpuinfo, "CPU implementer");
  if (!implementer.empty()) {
    signs.implementer = static_cast<unsigned>(std::strtoul(implementer.c_str(), nullptr, 0));
  }
  signs.dmi_vendor = text_if_read(root + "/sys/class/dmi/id/sys_vendor");
  signs.dmi_product = text_if_read(root + "/sys/class/dmi/id/product_name");
  signs.acpi_oem = acpi_oem(root);
  signs.tree_platform = string_list_if_read(root + "/proc/device-tree/compatible");
  signs.tree_hypervisor = string_list_if_read(root + "/proc/device-tree/hypervisor/compatible");
  signs.sys_hypervisor = text_if_read(root + "/sys/hypervisor/type");
  signs.steal_ticks = steal_ticks(root);
  return signs;
}

Virtualization detect_virtualization() { return judge_virtualization(read_virtualization_signs()); }

}  // namespace tlblab
