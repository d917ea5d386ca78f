// SPDX-License-Identifier: GPL-2.0-only
// The probe pass: what an operation leaves its victims to pay after the window.
#pragma once

#include <functional>

#include "user/experiment/cell_job.hh"
#include "user/experiment/trial_runner.hh"
#include "user/records/probe.hh"

namespace tlblab {

/// For each size of the working set: blocks of rounds, each with four trials in random order, which
/// are A, B, and for each the empty operation on the same memory. `add` gets each trial,
/// `end_block` is called after each block. With `counters`, which may be null, a few rounds more of
/// each size are counted, in a block of their own. False when interrupted. Throws Error(kMachine).
bool run_probe_pass(TrialRunner& trials, const CellJob& job, counters::CounterSet* counters,
                    const std::function<void(const records::ProbeTrial&)>& add,
                    const std::function<void()>& end_block);

}  // namespace tlblab
