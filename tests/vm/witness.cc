// SPDX-License-Identifier: GPL-2.0-only
// The witness's round through the pages. An entry that is gone is SIGBUS, from which it returns to
// go on with the next page.
#include "tests/vm/witness.hh"

#include <sched.h>

#include "tests/vm/reach.hh"

namespace tlblab::vm {
namespace {

/// Copies a tag that others may write meanwhile: the state first, as the ABI says.
tlblab_tag copy_tag(std::uint64_t page) {
  const auto* tag = reinterpret_cast<const volatile tlblab_tag*>(page);
  tlblab_tag copy{};
  copy.state = tag->state;
  std::atomic_thread_fence(std::memory_order_acquire);
  copy.frame = tag->frame;
  copy.generation = tag->generation;
  copy.cleared_ns = tag->cleared_ns;
  copy.released_ns = tag->released_ns;
  copy.guard = tag->guard;
  return copy;
}

}  // namespace

Witness::Witness(int cpu, const std::vector<tlblab_range>& ranges, Access access)
    : ranges_(ranges), access_(access), thread_([this, cpu] { run(cpu); }) {}

Witness::~Witness() {
  stop_ = true;
  thread_.join();
}

void Witness::run(int cpu) {
  pin_to_cpu(cpu);
  std::vector<std::uint64_t> pages;
  for (const tlblab_range& range : ranges_) {
    for (std::uint64_t at = range.start; at < range.start + range.len_bytes; at += kPage) {
      pages.push_back(at);
    }
  }
  std::vector<std::uint64_t> gone_in_round(pages.size(), 0);
  while (!stop_) {
    const std::uint64_t round = round_;
    for (std::size_t i = 0; i < pages.size(); ++i) {
      if (round != 0 && gone_in_round[i] == round) continue;
      if (!visit(pages[i])) gone_in_round[i] = round;
    }
    ++passes_;
  }
}

bool Witness::visit(std::uint64_t page) {
  const bool after = returned_;
  tlblab_tag tag{};
  const bool reached = reach([&] {
    if (access_ == Access::kWrite) {
      reinterpret_cast<volatile tlblab_tag*>(page)->guard = kWritten;
    }
    tag = copy_tag(page);
  });
  if (!reached) return false;
  const std::lock_guard guard(lock_);
  ++seen_.served;
  if (after) ++seen_.served_after;
  if (tag.state == TLBLAB_RELEASED) {
    ++seen_.released;
    seen_.last_released = tag;
  }
  return true;
}

void Witness::wait_for_passes(std::uint64_t nr) const {
  // The pass under way doesn't count: it began before.
  const std::uint64_t goal = passes_ + nr + 1;
  while (passes_ < goal) sched_yield();
}

void Witness::begin_round() {
  returned_ = false;
  ++round_;
  // A visit may be under way that began before.
  wait_for_passes(0);
  {
    const std::lock_guard guard(lock_);
    seen_ = {};
  }
  wait_for_passes(1);
}

WitnessCounts Witness::end_round() {
  wait_for_passes(1);
  const std::lock_guard guard(lock_);
  return seen_;
}

}  // namespace tlblab::vm
