// SPDX-License-Identifier: GPL-2.0-only
// SHA-256 of a text, by the tool every system has.
#pragma once

#include <string>
#include <string_view>

#include "user/topology/kernel_files.hh"

namespace tlblab {

/// 64 hexadecimal digits, or why there are none. Takes some milliseconds: it runs sha256sum of
/// coreutils (or busybox). Not a library, which would be one more thing to install for two digests
/// a run; not the kernel's AF_ALG sockets, which many kernels lack.
FileText sha256(std::string_view text);

}  // namespace tlblab
