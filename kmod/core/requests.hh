// SPDX-License-Identifier: GPL-2.0-only
// Checks requests before they are performed, and says what they need. The contracts are in
// kmod/boundary/core.h.
#pragma once

#include <tlblab/catalogue.hh>

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

/// What an operation needs from its caller under any scheme.
struct OperationNeeds {
  u32 value;           ///< enum tlblab_operation
  bool writes_vmas;    ///< mmap_lock for writing
  bool claims_ranges;  ///< exclusive ranges, unless doing without is the planted fault
};

inline constexpr OperationNeeds kOperationNeeds[] = {
    {TLBLAB_UNMAP, false, true},
};

static_assert(catalogue::mask_of_all(kOperationNeeds) ==
                  catalogue::mask_of_all(catalogue::kOperations),
              "every operation has its needs");

/// `gather`: the request's, or null if there is no such row.
constexpr int check(const tlblab_request& request, const catalogue::Gather* gather,
                    const tlblab_capabilities& can) {
  constexpr u64 operations = catalogue::mask_of_all(catalogue::kOperations);
  constexpr u64 mechanisms = catalogue::mask_of_all(catalogue::kMechanisms);
  constexpr u64 faults = catalogue::mask_of_all(catalogue::kFaults);
  if ((request.flags & ~catalogue::kRequestFlags) != 0 || request.engine != TLBLAB_ENGINE_LAB)
    return kEinval;
  if (request.fault != 0 && !has(faults, request.fault)) return kEinval;
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

/// The number of entries is the only limit on a list.
inline constexpr u64 kNoLimit = ~u64{0};

/// A gather that flushes under the table lock releases once the lock is dropped: it holds one
/// table's frames at most.
constexpr u64 most_frames(const tlblab_request& request, const catalogue::Gather& gather,
                          u32 entries_per_table) {
  const u64 batch = request.batch_pages == 0 ? kNoLimit : request.batch_pages;
  const bool per_table = gather.flush_at <= catalogue::Boundary::kTable;
  return per_table && entries_per_table < batch ? entries_per_table : batch;
}

/// The needs of a request that has passed check(), on a machine with that ceiling.
constexpr lab_needs needs_of(const tlblab_request& request, const catalogue::Gather& gather,
                             u32 entries_per_table, u32 ceiling_pages) {
  lab_needs needs{};
  const OperationNeeds& operation = *catalogue::find(kOperationNeeds, request.operation);
  needs.writes_vmas = operation.writes_vmas;
  needs.claims_ranges = operation.claims_ranges && request.fault != TLBLAB_TRUST_NONE;
  needs.ceiling_pages = ceiling_pages;
  if (request.ceiling_pages != 0 && request.ceiling_pages < ceiling_pages) {
    needs.ceiling_pages = request.ceiling_pages;
  }
  // Each interval of an exact list has at least one page, and past the ceiling there is no list.
  const bool exact = request.extent == TLBLAB_EXACT && needs.ceiling_pages != 0;
  needs.max_intervals = exact ? needs.ceiling_pages : 1;
  needs.max_frames = most_frames(request, gather, entries_per_table);
  return needs;
}

/// lab_core_prepare()
constexpr int prepare(const tlblab_request& request, const tlblab_capabilities& can,
                      lab_needs& needs) {
  const catalogue::Gather* gather = catalogue::find(catalogue::kGathers, request.gather);
  const int error = check(request, gather, can);
  if (error == 0) needs = needs_of(request, *gather, can.entries_per_table, can.ceiling_pages);
  return error;
}

/// lab_core_prepare_populate()
constexpr void prepare_populate(const tlblab_capabilities& can, lab_needs& needs) {
  needs = {};
  needs.claims_ranges = true;
  needs.ceiling_pages = can.ceiling_pages;
  needs.max_intervals = can.ceiling_pages == 0 ? 1 : can.ceiling_pages;
  needs.max_frames = kNoLimit;
}

constexpr void describe(tlblab_capabilities& can) {
  can.operations = catalogue::mask_of_all(catalogue::kOperations);
  can.gathers = catalogue::mask_of_all(catalogue::kGathers);
  can.extents = catalogue::mask_of_all(catalogue::kExtents);
  can.releases = catalogue::mask_of_all(catalogue::kReleases);
  can.faults |= catalogue::faults_anywhere();
  can.flags = catalogue::kRequestFlags;
}

}  // namespace tlblab::core
