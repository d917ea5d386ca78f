// SPDX-License-Identifier: GPL-2.0-only
// Requests before they are performed: which are refused, and what memory the others need. These are
// the functions of core.h of the same names; their contracts are there.
#pragma once

#include "kmod/core/gather/extent.hh"
#include "kmod/core/platform.hh"
#include "kmod/core/schemes.hh"

namespace tlblab::core {

// Linux's error numbers, as its functions return them.
inline constexpr int kEintr = -4;
inline constexpr int kEnomem = -12;
inline constexpr int kEinval = -22;
inline constexpr int kEopnotsupp = -95;
inline constexpr int kEuclean = -117;

inline constexpr u32 kKnownFlags = TLBLAB_TIME_PHASES | TLBLAB_ORACLE;

/// Any composition can be wrong in any of these ways, on any machine.
inline constexpr u32 kFaultsAnywhere = mask_of(TLBLAB_NO_FLUSH) | mask_of(TLBLAB_RELEASE_FIRST) |
                                       mask_of(TLBLAB_EARLY_FULL_FLUSH) |
                                       mask_of(TLBLAB_TRUST_NONE);
inline constexpr u32 kKnownFaults = kFaultsAnywhere | mask_of(TLBLAB_NO_REPEAT);

inline constexpr u32 kKnownMechanisms = mask_of(TLBLAB_KERNEL_SHOOTDOWN) |
                                        mask_of(TLBLAB_TLBI_DSB_EACH) |
                                        mask_of(TLBLAB_TLBI_DSB_ONCE);

/// Whether a mask has a value; any value may be asked for.
constexpr bool has(u64 mask, u32 value) { return value < 64 && ((mask >> value) & 1) != 0; }

constexpr int check(const tlblab_request& request, const tlblab_capabilities& can) {
  if ((request.flags & ~kKnownFlags) != 0 || request.reserved != 0) return kEinval;
  if (request.fault != 0 && !has(kKnownFaults, request.fault)) return kEinval;
  const Scheme* scheme = find_scheme(request.operation, request.gather);
  if (scheme == nullptr || !has(scheme->extents, request.extent) ||
      !has(scheme->releases, request.release) || !has(kKnownMechanisms, request.mechanism)) {
    return kEinval;
  }
  if (!has(can.operations, request.operation) || !has(can.gathers, request.gather) ||
      !has(can.extents, request.extent) || !has(can.releases, request.release) ||
      !has(can.mechanisms, request.mechanism) ||
      (request.fault != 0 && !has(can.faults, request.fault))) {
    return kEopnotsupp;
  }
  return 0;
}

constexpr void describe(tlblab_capabilities& can) {
  can.operations = can.gathers = can.extents = can.releases = 0;
  for (const Scheme& scheme : kSchemes) {
    can.operations |= mask_of(scheme.operation);
    can.gathers |= mask_of(scheme.gather);
    can.extents |= scheme.extents;
    can.releases |= scheme.releases;
  }
  can.faults |= kFaultsAnywhere;
  can.flags = kKnownFlags;
}

/// A gather that flushes under the table lock releases when it drops it: a table's frames at most.
constexpr u64 frames_needed(const tlblab_request& request, u32 entries_per_table, u64 nr_entries) {
  u64 nr = nr_entries;
  if (request.batch_pages != 0) nr = smaller<u64>(nr, request.batch_pages);
  const Scheme* scheme = find_scheme(request.operation, request.gather);
  if (scheme != nullptr && scheme->flush_at <= Boundary::kTable) {
    nr = smaller<u64>(nr, entries_per_table);
  }
  return nr == 0 ? 1 : nr;
}

/// Every interval of an exact list has a page of its own, and past the ceiling there is no list.
constexpr u32 intervals_needed(const tlblab_request& request, u32 ceiling_pages, u64 nr_entries) {
  if (request.extent != TLBLAB_EXACT) return 1;
  const u64 nr = smaller<u64>(ceiling_pages, nr_entries);
  return nr == 0 ? 1 : static_cast<u32>(nr);
}

}  // namespace tlblab::core
