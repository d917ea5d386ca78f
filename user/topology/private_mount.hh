// SPDX-License-Identifier: GPL-2.0-only
// Reading files of tracefs or debugfs even if it is not mounted, without changing the machine.
#pragma once

#include <string>
#include <vector>

#include "user/topology/kernel_files.hh"

namespace tlblab {

/// Reads `paths` (relative) from the file system `type` ("tracefs", "debugfs").
///
/// If it is mounted already, reads from there. Otherwise a child process enters a mount namespace
/// of its own, mounts it at `mount_point` where only the child sees it, and sends the texts back;
/// the namespace ends with the child. The child makes system calls only, so that this may be called
/// with other threads running. One answer per path, in order; never throws. A file longer than
/// 64 KiB is cut.
std::vector<FileText> read_files_of(const std::string& type, const std::string& mount_point,
                                    const std::vector<std::string>& paths);

/// The first mount point of a file system type in text of /proc/self/mountinfo; empty if none.
std::string find_mount_point(const std::string& mountinfo, const std::string& type);

}  // namespace tlblab
