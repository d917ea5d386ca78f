// SPDX-License-Identifier: GPL-2.0-only
// The CPU's name: x86 spells it out, arm64 gives numbers.
#pragma once

#include <string>
#include <string_view>

namespace tlblab {

/// From the text of /proc/cpuinfo: "AMD EPYC 9654, family 25 model 17 stepping 1", or "Neoverse N1
/// r3p1 (implementer 0x41, part 0xd0c)". Machines of unlike cores are described by the first one.
std::string cpu_model(std::string_view cpuinfo);

}  // namespace tlblab
