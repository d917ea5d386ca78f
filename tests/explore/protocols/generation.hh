// SPDX-License-Identifier: GPL-2.0-only
// The CPU mask and the generation of an mm: which CPUs a flush must reach, when CPUs come and go
// and keep what they have of the mm while they are away (x86 with PCID).
//
// The rule. An initiator empties entries, then advances the generation, then reads the mask, with a
// full barrier between the two. A CPU that enters sets its bit in the mask, then reads the
// generation, with a full barrier between the two; if that is not the one it last flushed for, it
// flushes, all before it uses the mm. So one of them sees the other.
//
// The race that this survives (thread 000: "there is a missing memory barrier in tlbbatch_add_mm()
// between inc_mm_tlb_gen() and the read of mm_cpumask()"):
//
//      CPU 0, the initiator               CPU 1, was away, has A's translation
//   1  empties the entry of A
//   2  generation = 2, not yet visible
//   3  reads the mask: CPU 1 is not in it
//   4                                     sets its bit in the mask
//   5                                     reads the generation: 1, so nothing to flush
//   6  generation = 2 becomes visible
//   7  releases A's frame
//   8                                     uses A through its TLB
//
// A CPU's own generation is the one that it read before its last flush on entering, never one read
// when leaving: a request may be posted to it that it has not carried out and, being away, will
// not.
//
// Words, both owned by the mm: `generation`, from 1 on; `cpus`, one bit each.
#pragma once

#include "kmod/core/words.hh"

namespace tlblab::core {

template <Words W>
class Generation {
 public:
  using Word = typename W::Word;

  Generation(W& words, Word& generation, Word& cpus)
      : words_(words), generation_(generation), cpus_(cpus) {}

  /// Initiator, after clearing entries: they belong to a new generation. Returns the CPUs to flush;
  /// any other one flushes by itself before it uses the mm.
  u64 advance() {
    words_.add(generation_, 1, Order::kFull);
    return words_.load(cpus_, Order::kRelaxed);
  }

  /// A CPU that is about to use the mm, interrupts off. Returns the generation now. If that is not
  /// what enter() last returned on this CPU, it must flush all that it has of the mm before it uses
  /// any of it.
  u64 enter(u32 cpu) {
    words_.set_bits(cpus_, u64{1} << cpu, Order::kFull);
    return words_.load(generation_, Order::kRelaxed);
  }

  /// A CPU that stops using the mm, interrupts off; it may keep its translations.
  void leave(u32 cpu) { words_.clear_bits(cpus_, u64{1} << cpu, Order::kRelease); }

 private:
  W& words_;
  Word& generation_;
  Word& cpus_;
};

}  // namespace tlblab::core
