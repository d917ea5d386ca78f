// SPDX-License-Identifier: GPL-2.0-only
// Memory that is collapsed into huge pages, a table at a time: what khugepaged does, at a time of
// our own.
#pragma once

#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "user/support/page_size.hh"

namespace tlblab {

class Collapsible {
 public:
  /// Of about so many bytes, at least one region that a table of its own maps. A region is 2 MiB
  /// with pages of 4 KiB, 512 MiB with 64 KiB.
  explicit Collapsible(std::size_t bytes) : nr_(std::max<std::size_t>(1, bytes / kRegion)) {
    map_ =
        ::mmap(nullptr, bytes_mapped(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map_ == MAP_FAILED) return;
    const auto at = reinterpret_cast<std::uintptr_t>(map_);
    begin_ = reinterpret_cast<char*>((at + kRegion - 1) / kRegion * kRegion);
  }
  ~Collapsible() {
    if (map_ != MAP_FAILED) ::munmap(map_, bytes_mapped());
  }
  Collapsible(const Collapsible&) = delete;
  Collapsible& operator=(const Collapsible&) = delete;

  /// Gives every region small pages. Returns why that is not possible; empty: done. No advice about
  /// huge pages is given: it would call khugepaged, which collapses too.
  [[nodiscard]] std::string fill() {
    if (begin_ == nullptr) return "no memory";
    ::madvise(begin_, nr_ * kRegion, MADV_DONTNEED);
    if (::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) {
      return std::string("this kernel has no huge pages: ") + std::strerror(errno);
    }
    for (std::size_t byte = 0; byte < nr_ * kRegion; byte += page_bytes()) {
      static_cast<volatile char*>(begin_)[byte] = 1;
    }
    ::prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
    return "";
  }

  [[nodiscard]] std::size_t nr_regions() const { return nr_; }

  /// One collapse for each region. Returns why one failed; empty: none.
  [[nodiscard]] std::string collapse() {
    for (std::size_t region = 0; region < nr_; ++region) {
      if (::madvise(begin_ + region * kRegion, kRegion, MADV_COLLAPSE) == 0) continue;
      return std::string("MADV_COLLAPSE (Linux 6.1): ") + std::strerror(errno);
    }
    return "";
  }

 private:
  inline static const std::size_t kRegion = pages_per_table() * page_bytes();
  [[nodiscard]] std::size_t bytes_mapped() const { return (nr_ + 1) * kRegion; }

  std::size_t nr_;
  void* map_ = MAP_FAILED;
  char* begin_ = nullptr;
};

}  // namespace tlblab
