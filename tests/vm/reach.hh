// SPDX-License-Identifier: GPL-2.0-only
// Touching lab memory whose entry may be gone: the thread recovers from the SIGBUS.
#pragma once

#include <setjmp.h>
#include <signal.h>

namespace tlblab::vm {

/// Where the running thread continues after a SIGBUS; null: none is expected.
inline thread_local sigjmp_buf* way_back = nullptr;

inline void on_bus_error(int) {
  if (way_back != nullptr) siglongjmp(*way_back, 1);
  // The instruction is tried again, and ends the process as it would have.
  signal(SIGBUS, SIG_DFL);
}

/// For reach() to work, once in a process; its children have it, too.
inline void handle_bus_errors() {
  struct sigaction action = {};
  action.sa_handler = on_bus_error;
  // The handler doesn't return, and no call is needed to put the mask back.
  action.sa_flags = SA_NODEFER;
  sigaction(SIGBUS, &action, nullptr);
}

/// Makes an access, which owns nothing that must be destroyed. False if it raised SIGBUS.
template <class Access>
bool reach(Access access) {
  sigjmp_buf here;
  if (sigsetjmp(here, 0) != 0) {
    way_back = nullptr;
    return false;
  }
  way_back = &here;
  access();
  way_back = nullptr;
  return true;
}

}  // namespace tlblab::vm
