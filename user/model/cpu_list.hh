// SPDX-License-Identifier: GPL-2.0-only
// CPUs in words.
#pragma once

#include <string>
#include <vector>

namespace tlblab {

/// {0,1,2,3,8} -> "0-3,8", in the order given.
std::string format_cpu_list(const std::vector<int>& cpus);

}  // namespace tlblab
