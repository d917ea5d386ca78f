// SPDX-License-Identifier: GPL-2.0-only
// Where the kernel's functions are: what a tracepoint shows of a call is its function's address.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tlblab {

struct KernelFunctions {
  std::string problem;  ///< why the kernel's list can't be read; empty: it was
  /// By name, of those asked for. Absent: this kernel has none of that name. 0: it has one, but
  /// does not show this user where.
  std::map<std::string, std::uint64_t> addresses;
};

/// Looks for `names` in /proc/kallsyms. Takes tens of milliseconds. Never throws.
KernelFunctions read_kernel_functions(const std::vector<std::string>& names);

/// Pure: the same in that file's text.
KernelFunctions parse_kernel_functions(std::string_view kallsyms,
                                       const std::vector<std::string>& names);

}  // namespace tlblab
