// SPDX-License-Identifier: GPL-2.0-only
// Naming the CPU from /proc/cpuinfo.
#include "user/topology/cpu_model.hh"

#include <fmt/format.h>

#include <array>
#include <cstdlib>

#include "user/topology/kernel_files.hh"

namespace tlblab {
namespace {

struct Core {
  unsigned implementer;
  unsigned part;
  const char* name;
};

// Cores of servers and of the usual boards, numbered as in Linux arch/arm64/include/asm/cputype.h.
constexpr std::array kCores = {
    Core{0x41, 0xd03, "Cortex-A53"},  Core{0x41, 0xd05, "Cortex-A55"},
    Core{0x41, 0xd07, "Cortex-A57"},  Core{0x41, 0xd08, "Cortex-A72"},
    Core{0x41, 0xd0b, "Cortex-A76"},  Core{0x41, 0xd0c, "Neoverse N1"},
    Core{0x41, 0xd40, "Neoverse V1"}, Core{0x41, 0xd49, "Neoverse N2"},
    Core{0x41, 0xd4f, "Neoverse V2"}, Core{0x41, 0xd84, "Neoverse V3"},
    Core{0x41, 0xd8e, "Neoverse N3"}, Core{0x43, 0x0af, "ThunderX2"},
    Core{0x46, 0x001, "A64FX"},       Core{0x48, 0xd01, "TSV110"},
    Core{0xc0, 0xac3, "Ampere-1"},    Core{0xc0, 0xac4, "Ampere-1A"},
};

}  // namespace

std::string cpu_model(std::string_view cpuinfo) {
  const std::string model = value_of_key(cpuinfo, "model name");
  if (!model.empty()) {
    return fmt::format("{}, family {} model {} stepping {}", model,
                       value_of_key(cpuinfo, "cpu family"), value_of_key(cpuinfo, "model"),
                       value_of_key(cpuinfo, "stepping"));
  }
  const std::string implementer = value_of_key(cpuinfo, "CPU implementer");
  const std::string part = value_of_key(cpuinfo, "CPU part");
  if (implementer.empty() || part.empty()) return "unknown: /proc/cpuinfo does not name it";
  const unsigned long implementer_number = std::strtoul(implementer.c_str(), nullptr, 0);
  const unsigned long part_number = std::strtoul(part.c_str(), nullptr, 0);
  const char* name = "arm64 core";
  for (const Core& core : kCores) {
    if (core.implementer == implementer_number && core.part == part_number) name = core.name;
  }
  if (implementer_number == 0) name = "QEMU's \"max\"";
  return fmt::format("{} r{}p{} (implementer {}, part {})", name,
                     std::strtoul(value_of_key(cpuinfo, "CPU variant").c_str(), nullptr, 0),
                     value_of_key(cpuinfo, "CPU revision"), implementer, part);
}

}  // namespace tlblab
