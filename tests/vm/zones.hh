// SPDX-License-Identifier: GPL-2.0-only
// The address space that random_calls works on: zones, in which anything may happen, between guard
// pages of ordinary memory in the same page tables, which must not change.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "tests/vm/lab.hh"

namespace tlblab::vm {

/// The top bits of a guard's words; written nowhere else.
inline constexpr std::uint64_t kGuardMagic = 0xb157ull << 48;
inline constexpr std::uint64_t kGuardMask = 0xffffull << 48;

/// The word at `address` in a guard of that process.
inline std::uint64_t guard_word(unsigned process, std::uint64_t address) {
  return kGuardMagic | std::uint64_t{process & 0xffu} << 40 | (address & 0xff'ffff'ffffull);
}

/// Two rows of zones, each across the boundary of two page tables. The addresses are the same in
/// each process, so that they can reach into each other's.
class Zones {
 public:
  static constexpr unsigned kZonesPerRow = 4;
  static constexpr unsigned kRows = 2;
  static constexpr unsigned kZones = kZonesPerRow * kRows;
  static constexpr unsigned kGuards = (kZonesPerRow + 1) * kRows;
  static constexpr unsigned kZonePages = 60;
  static constexpr unsigned kGuardPages = 2;

  struct Piece {
    std::uint64_t start;
    std::uint64_t bytes;
  };

  /// Maps zones and guards, and fills the guards. False if the addresses are taken.
  bool build(unsigned process);

  [[nodiscard]] Piece zone(unsigned i) const { return zones_[i % kZones]; }
  [[nodiscard]] Piece guard(unsigned i) const { return guards_[i % kGuards]; }
  /// All of it, from the first guard to the last.
  [[nodiscard]] Piece whole() const;

  /// Whether every word of that guard is unchanged. Works in children, too.
  [[nodiscard]] bool guard_is_good(unsigned i) const;
  [[nodiscard]] bool guards_are_good() const;

 private:
  unsigned process_ = 0;
  std::array<Piece, kZones> zones_{};
  std::array<Piece, kGuards> guards_{};
};

}  // namespace tlblab::vm
