// SPDX-License-Identifier: GPL-2.0-only
// Performs one request: walks its operation's action over its pieces, under its scheme.
//
// Compiled for each variant of what the innermost loop needs: the action, whether the gather
// flushes at each entry, which extent it records, and the release rule. Where else the gather
// flushes is read from its row.
#pragma once

#include <tlblab/catalogue.hh>

#include "kmod/core/gather/gather.hh"
#include "kmod/core/operation.hh"
#include "kmod/core/operation/unmap.hh"
#include "kmod/core/operation/walk.hh"
#include "kmod/core/platform.hh"
#include "kmod/core/release/release_first.hh"
#include "kmod/core/release/strict.hh"
#include "kmod/core/requests.hh"
#include "kmod/core/wrap/faults.hh"

namespace tlblab::core {

inline u64 batch_limit(const lab_plan& plan) {
  const u64 batch_pages = plan.request->batch_pages;
  return batch_pages == 0 ? plan.max_frames : smaller<u64>(batch_pages, plan.max_frames);
}

template <class Release, class Extent, bool kEachEntry, GathersOn P>
void run_unmap(Operation<P>& operation, const catalogue::Gather& row, const lab_plan& plan) {
  using ThisGather = Gather<P, Extent, Release, kEachEntry>;
  const lab_flush how = {.intervals = nullptr,
                         .nr_intervals = 0,
                         .mechanism = plan.request->mechanism,
                         .stride_shift = plan.page_shift,
                         .whole = false,
                         .tables_freed = false,
                         .executable = false};
  ThisGather gather(operation, row.flush_at,
                    Extent(plan.intervals, row.whole_mm ? 0 : plan.ceiling_pages, plan.page_shift),
                    how, Batch(plan.frames, batch_limit(plan)));
  Clear<P, ThisGather> action(operation, gather);
  Walk walk(operation, plan, gather, action);
  walk.run();
}

/// lab_core_perform() on any platform, under a release rule, with no other fault.
template <template <class> class Release, GathersOn P>
int perform_under(P& platform, const lab_plan& plan, tlblab_account& account) {
  const tlblab_request& request = *plan.request;
  const catalogue::Gather* row = catalogue::find(catalogue::kGathers, request.gather);
  if (row == nullptr || request.operation != TLBLAB_UNMAP) return kEinval;
  Operation<P> operation(platform, account, (request.flags & TLBLAB_TIME_PHASES) != 0);
  if (row->flush_at == Boundary::kEntry) {
    run_unmap<Release<P>, Envelope, true>(operation, *row, plan);
  } else if (request.extent == TLBLAB_EXACT) {
    run_unmap<Release<P>, Exact, false>(operation, *row, plan);
  } else {
    run_unmap<Release<P>, Envelope, false>(operation, *row, plan);
  }
  operation.charge(account.clear_ns);
  if (operation.stopped()) return kEintr;
  return account.foreign != 0 ? kEuclean : 0;
}

/// lab_core_perform() on any platform, with the fault that the request asks for. Each kind of fault
/// is compiled separately, so that sound requests have none to check for.
template <GathersOn P>
int perform(P& platform, const lab_plan& plan, tlblab_account& account) {
  const u32 fault = plan.request->fault;
  if (fault == TLBLAB_RELEASE_FIRST) return perform_under<ReleaseFirst>(platform, plan, account);
  if (!breaks_platform(fault)) return perform_under<Strict>(platform, plan, account);
  Faulty faulty(platform, fault);
  return perform_under<Strict>(faulty, plan, account);
}

}  // namespace tlblab::core
