// SPDX-License-Identifier: GPL-2.0-only
// Events of function calls between CPUs: queued, sent, handled.
#pragma once

#include <string>
#include <vector>

#include "user/counters/event_maker.hh"

namespace tlblab::counters {

/// The tracepoints, and the kernel's functions, that these events want to know of.
std::vector<std::string> call_tracepoints(Architecture architecture);
std::vector<std::string> called_functions();

/// Pure. Countable or not, in the order they are shown.
std::vector<Event> make_call_events(Architecture architecture, const EventMaker& maker);

}  // namespace tlblab::counters
