// SPDX-License-Identifier: GPL-2.0-only
// What the kernel said at boot: of some features it tells nobody but its log.
#pragma once

#include <string>
#include <string_view>

namespace tlblab {

struct KernelLog {
  std::string text;     ///< what is left of it
  std::string problem;  ///< why what is not in `text` may have been said all the same; or empty

  [[nodiscard]] bool says(std::string_view words) const {
    return text.find(words) != std::string::npos;
  }
};

/// The log from its text, which is all of it only if it still has the boot's first lines.
KernelLog kernel_log_of(std::string text);

/// By syslog(2): needs root where kernel.dmesg_restrict is 1. Never throws.
KernelLog read_kernel_log();

/// The rest of the line after `words`, of the last line that has them; empty without one.
std::string last_said_after(const KernelLog& log, std::string_view words);

}  // namespace tlblab
