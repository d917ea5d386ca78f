// SPDX-License-Identifier: GPL-2.0-only
// The piece of address space on which random_calls plays: zones, in which anything may happen,
// between guard pages of ordinary memory in the same page tables, to which nothing may happen.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "tests/vm/lab.hh"

namespace tlblab::vm {

/// What a guard's words begin with; nobody writes that anywhere else.
inline constexpr std::uint64_t kGuardMagic = 0xb157ull << 48;
inline constexpr std::uint64_t kGuardMask = 0xffffull << 48;

/// What a process's guard has at an address.
inline std::uint64_t guard_word(unsigned process, std::uint64_t address) {
  return kGuardMagic | std::uint64_t{process & 0xffu} << 40 | (address & 0xff'ffff'ffffull);
}

/// Two rows of zones, each across the boundary of two page tables. The addresses are the same in
/// each process, so that they can reach into each other's.
class Stage {
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

  /// Maps zones and guards, and fills the guards. False if the addresses can't be had.
  bool build(unsigned process);

  [[nodiscard]] Piece zone(unsigned i) const { return zones_[i % kZones]; }
  [[nodiscard]] Piece guard(unsigned i) const { return guards_[i % kGuards]; }
  /// All of it, from the first guard to the last.
  [[nodiscard]] Piece whole() const;

  /// Whether every word of that guard is as it was filled. In a process that has them, too.
  [[nodiscard]] bool guard_is_good(unsigned i) const;
  [[nodiscard]] bool guards_are_good() const;

 private:
  unsigned process_ = 0;
  std::array<Piece, kZones> zones_{};
  std::array<Piece, kGuards> guards_{};
};

}  // namespace tlblab::vm
