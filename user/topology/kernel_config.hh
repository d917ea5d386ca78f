// SPDX-License-Identifier: GPL-2.0-only
// The configuration the running kernel was built with.
#pragma once

#include <string>
#include <string_view>

#include "user/topology/kernel_files.hh"

namespace tlblab {

/// The whole .config: from /proc/config.gz, else as distributions install it, /boot/config-RELEASE
/// or /lib/modules/RELEASE/config. The problem names each place that was tried.
FileText read_kernel_config(const std::string& release, const std::string& root = "");

/// Whether `config` sets CONFIG_<option> to y or m. A kernel that does not know it counts as "no".
bool config_has(std::string_view config, std::string_view option);

}  // namespace tlblab
