// SPDX-License-Identifier: GPL-2.0-only
// Which modules this kernel takes, known before insmod fails.
#pragma once

#include <string>
#include <vector>

#include "user/topology/kernel_files.hh"
#include "user/topology/machine.hh"

namespace tlblab {

/// Each as it was read, or why it was not.
struct ModuleRules {
  FileText lockdown;     ///< securityfs, lockdown: "none", "integrity", "confidentiality"
  FileText secure_boot;  ///< EFI's variable: "on", or begins with "off"
  FileText sig_enforce;  ///< /sys/module/module/parameters/sig_enforce: "Y", "N"
  FileText disabled;     ///< /proc/sys/kernel/modules_disabled: "0", "1"
};

/// Paths have `root` in front of them; only without one is securityfs mounted privately.
ModuleRules read_module_rules(const std::string& root = "");

/// "kernel lockdown", "Secure Boot", "module signatures".
std::vector<Fact> module_facts(const ModuleRules& rules);

/// Pure. Why this kernel refuses a module that nobody signed, for the end of a sentence; empty
/// where nothing that could be read refuses it.
std::string why_unsigned_is_refused(const ModuleRules& rules);

/// What to do about that, likewise.
std::string how_to_be_taken(const ModuleRules& rules);

/// Whether tracefs and debugfs are closed by the kernel's lockdown, to root, too.
bool closes_tracefs(const ModuleRules& rules);
bool closes_debugfs(const ModuleRules& rules);

}  // namespace tlblab
