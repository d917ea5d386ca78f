// SPDX-License-Identifier: GPL-2.0-only
// From a composition to what the module is asked.
#pragma once

#include <string>

#include "include/tlblab/abi.h"
#include "user/lab/lab_scheme.hh"

namespace tlblab {

/// The request that performs the composition on a machine that `can`; without ranges.
tlblab_request lab_request(const LabComposition& composition, const tlblab_capabilities& can);

/// Why this module can't do the composition; empty when it can.
std::string lab_refusal(const LabComposition& composition, const tlblab_capabilities& can);

}  // namespace tlblab
