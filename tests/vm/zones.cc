// SPDX-License-Identifier: GPL-2.0-only
// Where zones and guards lie.
#include "tests/vm/zones.hh"

#include <sys/mman.h>

namespace tlblab::vm {
namespace {

/// Below everything that the kernel places by itself: it searches from the top down, so a hole that
/// munmap() makes here is not filled by a heap.
constexpr std::uint64_t kLowAddress = 1ull << 35;

bool map_at(std::uint64_t address, std::uint64_t bytes, int protection) {
  return mmap(reinterpret_cast<void*>(address), bytes, protection,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
              0) == reinterpret_cast<void*>(address);
}

}  // namespace

bool Zones::build(unsigned process) {
  process_ = process;
  const std::uint64_t guard_bytes = kGuardPages * kPage;
  const std::uint64_t zone_bytes = kZonePages * kPage;
  const std::uint64_t row_bytes = (kZonesPerRow + 1) * guard_bytes + kZonesPerRow * zone_bytes;
  const std::uint64_t base = (kLowAddress + kTableBytes - 1) / kTableBytes * kTableBytes;
  for (unsigned row = 0; row < kRows; ++row) {
    // The boundary falls into the third zone.
    std::uint64_t at = base + (row + 1) * kTableBytes - row_bytes / 2 - kPage;
    for (unsigned i = 0; i <= kZonesPerRow; ++i) {
      if (!map_at(at, guard_bytes, PROT_READ | PROT_WRITE)) return false;
      guards_[row * (kZonesPerRow + 1) + i] = {at, guard_bytes};
      for (std::uint64_t word = at; word < at + guard_bytes; word += sizeof(word)) {
        *reinterpret_cast<std::uint64_t*>(word) = guard_word(process, word);
      }
      at += guard_bytes;
      if (i == kZonesPerRow) break;
      if (!map_at(at, zone_bytes, PROT_NONE)) return false;
      zones_[row * kZonesPerRow + i] = {at, zone_bytes};
      at += zone_bytes;
    }
  }
  return true;
}

Zones::Piece Zones::whole() const {
  const std::uint64_t start = guards_.front().start;
  return {start, guards_.back().start + guards_.back().bytes - start};
}

bool Zones::guard_is_good(unsigned i) const {
  const Piece piece = guard(i);
  for (std::uint64_t word = piece.start; word < piece.start + piece.bytes; word += sizeof(word)) {
    if (*reinterpret_cast<const volatile std::uint64_t*>(word) != guard_word(process_, word)) {
      return false;
    }
  }
  return true;
}

bool Zones::guards_are_good() const {
  for (unsigned i = 0; i < kGuards; ++i) {
    if (!guard_is_good(i)) return false;
  }
  return true;
}

}  // namespace tlblab::vm
