// SPDX-License-Identifier: GPL-2.0-only
// Describes the machine that this program runs on.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "user/model/machine.hh"

namespace tlblab {

Virtualization detect_virtualization();

/// Cheap (no measurement), never throws.
Machine describe_machine();

/// The kernel's command line for a published result: every parameter keeps its name, but values
/// that name a disk, a host, a user or a secret become "...", and what is meant for init (after
/// "--") is left out.
std::string publishable_command_line(std::string_view command_line);

/// Major and minor of the running kernel, e.g. {6, 12}.
std::pair<int, int> kernel_release();

/// The x86 ceiling in pages past which a ranged flush becomes a full one, and how it is known
/// ("debugfs" or "kernel default, debugfs unreadable: ..."). 0 pages where the arch has none known.
/// In user/arch/<a>/tlb_features.cc.
std::pair<unsigned, std::string> flush_ceiling_pages();

}  // namespace tlblab
