// SPDX-License-Identifier: GPL-2.0-only
// The base page of the running kernel: 4, 16 or 64 KiB. Nothing else in the driver may assume one.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace tlblab {

/// sysconf(_SC_PAGESIZE), in bytes.
inline std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

/// Pages that one last-level page table maps: on x86-64 and arm64 it fills a page, with entries of
/// 8 bytes. 512, 2048 or 8192; 2, 32 or 512 MiB.
inline std::size_t pages_per_table() { return page_bytes() / sizeof(std::uint64_t); }

}  // namespace tlblab
