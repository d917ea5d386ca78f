// SPDX-License-Identifier: GPL-2.0-only
// SIGINT, SIGTERM and SIGHUP as a flag that long work looks at.
#pragma once

namespace tlblab {

/// From now on the three signals set a flag instead of ending the process, and interrupt blocking
/// system calls (EINTR). Call once, before threads start.
void catch_interruptions();

/// Whether one has arrived. Async-signal-safe to set, cheap to read.
bool interrupted();

}  // namespace tlblab
