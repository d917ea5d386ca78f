// SPDX-License-Identifier: GPL-2.0-only
// What tracefs says of a tracepoint: its number for perf_event_open, and what its fields mean.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tlblab::counters {

struct Tracepoint {
  std::string problem;  ///< empty when the members below are valid
  unsigned id = 0;
  std::string format;  ///< the text of the file "format"
};

/// By "system:event". A tracepoint that was not asked for is missing.
using Tracepoints = std::map<std::string, Tracepoint>;

/// Asks tracefs for each of `names`, in one go. Never throws.
Tracepoints read_tracepoints(const std::vector<std::string>& names);

/// Pure: from the texts of the files "id" and "format".
Tracepoint parse_tracepoint(std::string_view id, std::string_view format);

/// Whether the format lists a field of that name.
bool has_field(std::string_view format, std::string_view field);

/// The meanings that the format prints for a field's values, in lower case: "local mm shootdown"
/// -> 3. Kernels may renumber, and do change the case, so neither is relied on.
std::map<std::string, long> symbolic_values(std::string_view format, std::string_view field);

}  // namespace tlblab::counters
