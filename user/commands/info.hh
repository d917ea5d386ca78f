// SPDX-License-Identifier: GPL-2.0-only
// `tlblab info`: what this machine is, and what can be counted on it.
#pragma once

namespace tlblab {

/// Prints; returns kOk.
int run_info(bool as_json);

}  // namespace tlblab
