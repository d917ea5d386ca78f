// SPDX-License-Identifier: GPL-2.0-only
// Names of kinds of machines, in files and reports alike.
#include "user/model/machine.hh"

namespace tlblab {

std::string_view name(MachineKind kind) {
  switch (kind) {
    case MachineKind::kBareMetal:
      return "bare metal";
    case MachineKind::kVirtual:
      return "virtual machine";
    case MachineKind::kEmulated:
      return "emulation";
  }
  return "unknown";
}

std::optional<MachineKind> parse_machine_kind(std::string_view text) {
  for (const MachineKind kind :
       {MachineKind::kBareMetal, MachineKind::kVirtual, MachineKind::kEmulated}) {
    if (text == name(kind)) return kind;
  }
  return std::nullopt;
}

}  // namespace tlblab
