// SPDX-License-Identifier: GPL-2.0-only
// The answer to a CPU that faults on a lab entry.
#pragma once

#include "kmod/boundary/core.h"

namespace tlblab::core {

/// lab_core_fault(). No operation yet leaves an entry read-only or keeps its content aside, so
/// nothing would ever repair such an entry: the fault is refused instead of waiting.
constexpr lab_fault_answer answer_fault(lab_entry_state state, bool write) {
  switch (state) {
    case LAB_ENTRY_SET:
      return LAB_FAULT_LOOK_AGAIN;
    case LAB_ENTRY_READ_ONLY:
      return write ? LAB_FAULT_REFUSE : LAB_FAULT_LOOK_AGAIN;
    case LAB_ENTRY_BUSY:
      return LAB_FAULT_WAIT;
    case LAB_ENTRY_ASIDE:
    case LAB_ENTRY_EMPTY:
      break;
  }
  return LAB_FAULT_REFUSE;
}

}  // namespace tlblab::core
