// SPDX-License-Identifier: GPL-2.0-only
// The core as the kernel side calls it (core.h): its templates, compiled for the kernel as
// platform. This is the module's only C++ translation unit, because kbuild's `ld -r` discards the
// second copy of an inline function but not what objtool and ftrace recorded about it.
#include "kmod/boundary/core.h"

#include "kmod/core/kernel_platform.hh"
#include "kmod/core/operation/fault.hh"
#include "kmod/core/operation/perform.hh"
#include "kmod/core/operation/populate.hh"
#include "kmod/core/requests.hh"
#include "kmod/core/wrap/paced.hh"

namespace {

/// Local to this file, and with it every template instance for it. Instances that the linker merges
/// by name come in groups, and for a kernel with KASAN objtool leaves several groups of one name,
/// of which the linker keeps only one.
struct ThisKernel : tlblab::core::KernelPlatform {
  using KernelPlatform::KernelPlatform;
};
struct TheseWords : tlblab::core::KernelWords {};
struct ThisQuarantine : tlblab::core::KernelQuarantine {};

using Leftovers = tlblab::core::Leftovers<TheseWords>;

/// Out of line, so that the code of requests without a pace is the same as if there were none.
[[gnu::noinline]] int perform_paced(ThisKernel& platform, const lab_plan& plan,
                                    tlblab_account& account) {
  tlblab::core::Paced paced(platform, plan.page_shift);
  return tlblab::core::perform(paced, plan, account);
}

}  // namespace

extern "C" {

int lab_core_prepare(const struct tlblab_request* request, const struct tlblab_capabilities* can,
                     struct lab_needs* needs) {
  return tlblab::core::prepare(*request, *can, *needs);
}

void lab_core_prepare_populate(const struct tlblab_capabilities* can, struct lab_needs* needs) {
  tlblab::core::prepare_populate(*can, *needs);
}

void lab_core_describe(struct tlblab_capabilities* can) { tlblab::core::describe(*can); }

int lab_core_perform(struct lab_session* session, const struct lab_plan* plan,
                     struct lab_leftovers* leftovers, struct tlblab_account* account) {
  ThisKernel platform(session, plan);
  TheseWords words;
  Leftovers left(words, leftovers->marked, leftovers->flushed);
  left.mark();
  const int status = plan->request->pace != 0 ? perform_paced(platform, *plan, *account)
                                              : tlblab::core::perform(platform, *plan, *account);
  left.mark();
  return status;
}

int lab_core_populate(struct lab_session* session, const struct lab_piece* pieces, __u64 nr_pieces,
                      __u32 page_shift, struct lab_leftovers* leftovers, __u64* populated) {
  ThisKernel platform(session, nullptr);
  TheseWords words;
  Leftovers left(words, leftovers->marked, leftovers->flushed);
  return tlblab::core::populate(platform, left, pieces, nr_pieces, page_shift, *populated);
}

void lab_core_forget(struct lab_session* session, struct lab_leftovers* leftovers) {
  ThisKernel platform(session, nullptr);
  TheseWords words;
  Leftovers left(words, leftovers->marked, leftovers->flushed);
  tlblab::core::forget(platform, left);
}

void lab_core_close(struct lab_session* session, struct lab_leftovers* leftovers, void* vma) {
  ThisKernel platform(session, nullptr);
  TheseWords words;
  Leftovers left(words, leftovers->marked, leftovers->flushed);
  tlblab::core::close(platform, left, vma);
}

enum lab_fault_answer lab_core_fault(enum lab_entry_state state, bool write) {
  return tlblab::core::answer_fault(state, write);
}

__u64 lab_core_drain(void) {
  ThisQuarantine quarantine;
  return tlblab::core::drain(quarantine);
}

}  // extern "C"
