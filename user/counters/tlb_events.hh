// SPDX-License-Identifier: GPL-2.0-only
// Which of the processor's events counts which TLB quantity (docs/counters.md).
#pragma once

#include <string>
#include <vector>

#include "user/counters/core_pmus.hh"
#include "user/counters/events.hh"

namespace tlblab::counters {

/// Every quantity on each type of core, countable or not. `models` is what libpfm4 takes the cores
/// for. x86's encodings are libpfm4's. arm64's are the kernel's own names of the architecture's
/// events, which it shows for each type of core, and only where the core says that it has them. An
/// event that neither knows is unavailable: no encoding is guessed.
std::vector<Event> make_tlb_events(Architecture architecture, const std::vector<CorePmu>& pmus,
                                   const std::vector<std::string>& models);

}  // namespace tlblab::counters
