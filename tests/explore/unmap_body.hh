// SPDX-License-Identifier: GPL-2.0-only
// The body of a fibre that performs one of the core's operations on the modelled machine, with all
// its scratch memory on its own stack, as fibre.hh demands.
#pragma once

#include <array>
#include <string>
#include <tlblab/catalogue.hh>

#include "kmod/core/operation/perform.hh"
#include "tests/explore/platform.hh"

namespace tlblab::explore {

/// Pages first to last, which lie in one VMA; none by default.
struct VmaPages {
  u32 vma = 0;
  u32 first = 1;
  u32 last = 0;

  [[nodiscard]] bool is_empty() const { return last < first; }
};

struct Unmap {
  u32 gather = TLBLAB_MERGED;
  u32 extent = TLBLAB_ENVELOPE;
  u64 batch_pages = 0;
  u32 fault = 0;                             ///< enum tlblab_fault
  VmaPages ranges[kMaxPages] = {{0, 0, 0}};  ///< an array, because it lies on fibres' stacks

  [[nodiscard]] u8 pages() const {
    u8 mask = 0;
    for (const VmaPages& range : ranges) {
      for (u32 page = range.first; page <= range.last; ++page) mask |= static_cast<u8>(1U << page);
    }
    return mask;
  }
};

/// "unmap:merged"
inline std::string scheme_name(const catalogue::Gather& gather) {
  return std::string(catalogue::find(catalogue::kOperations, TLBLAB_UNMAP)->name) + ":" +
         gather.name;
}

/// "ipi", or as the ABI's mechanisms are named.
inline const char* mechanism_name(Mechanism mechanism) {
  switch (mechanism) {
    case Mechanism::kIpi:
      return "ipi";
    case Mechanism::kDsbEach:
      return "dsb-each";
    default:
      return "dsb-once";
  }
}

inline constexpr u32 kCeilingPages = 33;

/// The core's perform(), as the caller of lab_core_perform() calls it; does not take the return
/// step.
template <class P>
void perform_unmap(P& platform, const Unmap& unmap) {
  tlblab_request request{};
  request.operation = TLBLAB_UNMAP;
  request.gather = unmap.gather;
  request.extent = unmap.extent;
  request.release = TLBLAB_STRICT;
  request.mechanism = TLBLAB_KERNEL_SHOOTDOWN;
  request.batch_pages = unmap.batch_pages;
  request.fault = unmap.fault;
  std::array<lab_piece, kMaxPages> pieces{};
  u64 nr_pieces = 0;
  const auto& address = platform.machine().config().page_address;
  for (const VmaPages& range : unmap.ranges) {
    if (range.is_empty()) continue;
    pieces[nr_pieces++] = {.start = address[range.first],
                           .end = address[range.last] + kPageBytes,
                           .vma = reinterpret_cast<void*>(u64{range.vma} + 1)};
  }
  std::array<void*, kMaxPages> frames{};
  std::array<lab_interval, kMaxPages> intervals{};
  const lab_plan plan = {.request = &request,
                         .pieces = pieces.data(),
                         .nr_pieces = nr_pieces,
                         .page_shift = kPageShift,
                         .entries_per_table = kTableEntries,
                         .ceiling_pages = kCeilingPages,
                         .max_frames = kMaxPages,
                         .intervals = intervals.data(),
                         .frames = frames.data()};
  tlblab_account account{};
  core::perform(platform, plan, account);
}

/// One unmap, alone, that then returns.
template <Mechanism kMechanism>
Machine::Body unmap_body(const Unmap& unmap, u32 omissions = kNothing) {
  return [unmap, omissions](Machine& machine) {
    ModelPlatform<kMechanism> platform(machine, omissions);
    perform_unmap(platform, unmap);
    machine.perform(OpKind::kReturn, unmap.pages());
  };
}

/// One unmap that owns its range while it works, as lab_core_perform()'s contract demands.
template <Mechanism kMechanism>
Machine::Body claimed_unmap_body(const Unmap& unmap, u32 omissions = kNothing) {
  return [unmap, omissions](Machine& machine) {
    ModelPlatform<kMechanism> platform(machine, omissions);
    machine.perform(OpKind::kLock, kClaimCell);
    perform_unmap(platform, unmap);
    machine.perform(OpKind::kStore, kClaimCell, 0, 0);
    machine.perform(OpKind::kReturn, unmap.pages());
  };
}

/// One of several initiators, as the module performs its request.
template <Mechanism kMechanism>
Machine::Body requested_body(const Unmap& unmap) {
  return unmap.fault == TLBLAB_TRUST_NONE ? unmap_body<kMechanism>(unmap)
                                          : claimed_unmap_body<kMechanism>(unmap);
}

}  // namespace tlblab::explore
