// SPDX-License-Identifier: GPL-2.0-only
// SHA-256 of a text, by the tool every system has.
#pragma once

#include <string>
#include <string_view>

#include "user/topology/kernel_files.hh"

namespace tlblab {

/// 64 hexadecimal digits, or why there are none. Takes some milliseconds: it runs sha256sum of
/// coreutils (or busybox). Chosen over a library, because it is needed twice in a run and would be
/// one more thing to install; over the kernel's AF_ALG sockets, because many kernels lack them.
FileText sha256(std::string_view text);

}  // namespace tlblab
