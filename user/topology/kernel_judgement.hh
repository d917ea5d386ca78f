// SPDX-License-Identifier: GPL-2.0-only
// Checks of the doctor that are about the kernel and not about the moment; judge() has them.
#pragma once

#include "user/topology/disturbance.hh"

namespace tlblab {

/// What can be counted: by privilege, and by what lockdown leaves open.
MachineFinding judge_counting(const Disturbance& disturbance);

/// What here makes flushes cost or count otherwise than elsewhere, and what of it is unknown.
MachineFinding judge_flushes(const Disturbance& disturbance);

/// Whether the module can be loaded as it is built.
MachineFinding judge_module(const Disturbance& disturbance);

}  // namespace tlblab
