// SPDX-License-Identifier: GPL-2.0-only
// Checks of the doctor that are about the kernel and not about the moment.
#pragma once

#include <vector>

#include "user/topology/disturbance.hh"

namespace tlblab {

/// What can be counted: by privilege, and by what lockdown leaves open. judge() has it.
MachineFinding judge_counting(const Disturbance& disturbance);

/// What here makes flushes cost or count otherwise than elsewhere, and what of it is unknown.
MachineFinding judge_flushes(const std::vector<FlushFact>& flushing, const ModuleRules& rules);

/// Whether the module can be loaded as it is built.
MachineFinding judge_module(const ModuleRules& rules);

}  // namespace tlblab
