// SPDX-License-Identifier: GPL-2.0-only
// Flush requests counted where the kernel's code makes them, however they are then served.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "user/counters/events.hh"
#include "user/topology/kernel_files.hh"

namespace tlblab::counters {

/// perf's way to put a probe on a kernel function.
struct ProbePmu {
  std::string problem;  ///< why there is none; empty: the type is valid
  std::uint32_t type = 0;
};

ProbePmu read_probe_pmu();

/// Pure: from that PMU's file "type".
ProbePmu parse_probe_pmu(const FileText& type);

/// The functions that every request of user memory goes through on x86.
std::vector<std::string> probed_functions();

/// Pure. A probe on each, countable or not.
std::vector<Event> make_request_probes(Architecture architecture, const ProbePmu& pmu,
                                       const KernelFunctions& functions);

}  // namespace tlblab::counters
