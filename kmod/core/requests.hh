// SPDX-License-Identifier: GPL-2.0-only
// Requests before they are performed: which are refused, and what memory the others need. These are
// the functions of core.h of the same names; their contracts are there.
#pragma once

#include <tlblab/catalogue.hh>

#include "kmod/core/gather/extent.hh"
#include "kmod/core/platform.hh"

namespace tlblab::core {

// Linux's error numbers, as its functions return them.
inline constexpr int kEintr = -4;
inline constexpr int kEnomem = -12;
inline constexpr int kEinval = -22;
inline constexpr int kEopnotsupp = -95;
inline constexpr int kEuclean = -117;

using catalogue::has;
using catalogue::mask_of;

constexpr int check(const tlblab_request& request, const tlblab_capabilities& can) {
  constexpr u64 operations = catalogue::mask_of_all(catalogue::kOperations);
  constexpr u64 mechanisms = catalogue::mask_of_all(catalogue::kMechanisms);
  constexpr u64 faults = catalogue::mask_of_all(catalogue::kFaults);
  if ((request.flags & ~catalogue::kRequestFlags) != 0 || request.reserved != 0) return kEinval;
  if (request.fault != 0 && !has(faults, request.fault)) return kEinval;
  const catalogue::Gather* gather = catalogue::find(catalogue::kGathers, request.gather);
  if (gather == nullptr || !has(operations, request.operation) ||
      !has(gather->extents, request.extent) || !has(gather->releases, request.release) ||
      !has(mechanisms, request.mechanism)) {
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
  can.operations = catalogue::mask_of_all(catalogue::kOperations);
  can.gathers = catalogue::mask_of_all(catalogue::kGathers);
  can.extents = catalogue::mask_of_all(catalogue::kExtents);
  can.releases = catalogue::mask_of_all(catalogue::kReleases);
  can.faults |= catalogue::faults_anywhere();
  can.flags = catalogue::kRequestFlags;
}

/// A gather that flushes under the table lock releases when it drops it: a table's frames at most.
constexpr u64 frames_needed(const tlblab_request& request, u32 entries_per_table, u64 nr_entries) {
  u64 nr = nr_entries;
  if (request.batch_pages != 0) nr = smaller<u64>(nr, request.batch_pages);
  const catalogue::Gather* gather = catalogue::find(catalogue::kGathers, request.gather);
  if (gather != nullptr && gather->flush_at <= catalogue::Boundary::kTable) {
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
