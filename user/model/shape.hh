// SPDX-License-Identifier: GPL-2.0-only
// What memory a trial works on: V VMAs of P base pages, with gaps between them.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>

namespace tlblab {

/// Written VxP+G, e.g. "16x4+1": 16 VMAs of 4 pages, one unmapped page after each. The gap keeps
/// the kernel from merging neighbours into one VMA, and widens the envelope of a merged flush: the
/// report says so wherever it crosses the kernel's full-flush ceiling.
struct Shape {
  unsigned nr_vmas = 16;
  unsigned pages_per_vma = 4;
  unsigned gap_pages = 1;

  [[nodiscard]] std::size_t nr_pages() const { return std::size_t{nr_vmas} * pages_per_vma; }
  /// Pages from the first to the last mapped one, gaps included: what min..max tracking flushes.
  [[nodiscard]] std::size_t envelope_pages() const {
    return std::size_t{nr_vmas} * (pages_per_vma + gap_pages) - gap_pages;
  }
  [[nodiscard]] std::string name() const;

  auto operator<=>(const Shape&) const = default;
};

inline constexpr unsigned kMaxVmas = 16384;  ///< well under vm.max_map_count's default 65530
/// In pages whatever their size, so that a shape is valid on all machines or on none; whether there
/// is memory for it shows when it is mapped.
inline constexpr unsigned kMaxPagesPerVma = 4096;
inline constexpr unsigned kMaxGapPages = 4096;
inline constexpr std::size_t kMaxPages = 262144;  ///< in one shape

/// Parses "VxP" (gap 1) or "VxP+G". Throws Error(kUsage) naming the bad part and the limits.
Shape parse_shape(std::string_view text);

/// Throws Error(kUsage) when a limit above is exceeded, or a count (not the gap) is zero. A gap of
/// zero is refused with more than one VMA: the kernel would merge them into one.
void validate(const Shape& shape);

}  // namespace tlblab
