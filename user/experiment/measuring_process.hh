// SPDX-License-Identifier: GPL-2.0-only
// A child process that measures one cell, seen from its parent.
#pragma once

#include <sys/types.h>

#include <functional>

#include "user/experiment/cell_job.hh"

namespace tlblab {

enum class CellOutcome { kEnded, kInterrupted };

/// Starts this program anew, pinned to job.cpus[0] before it runs its first instruction, gives it
/// the job, and waits. Signals that interrupt the caller are passed on. The child dies with the
/// parent. Throws Error(kMachine) when the child failed; its own message has gone to stderr.
CellOutcome measure_in_process(const CellJob& job,
                               const std::function<void(const CellProgress&)>& progress);

/// The child's side: the job from stdin, progress to stdout. Returns an exit status.
int run_measuring_process();

/// Name of the hidden command that starts it.
inline constexpr const char* kMeasureCommand = "measure-cell";

}  // namespace tlblab
