// SPDX-License-Identifier: GPL-2.0-only
// The contract for shared words: what schemes that keep state between operations, or between CPUs,
// need of the machine besides platform.hh. Every shared access goes through it, with its memory
// order: the explorer sees no other.
#pragma once

#include <concepts>

#include "kmod/core/platform.hh"

namespace tlblab::core {

/// As in Linux's memory model.
enum class Order : u32 {
  kRelaxed,  ///< atomic, no order: READ_ONCE(), atomic_set(), atomic_inc()
  kAcquire,  ///< a load: nothing later in program order happens before it
  kRelease,  ///< a store: nothing earlier happens after it
  kFull,     ///< both, and earlier stores are visible before later loads: value-returning atomics
};

/// What a platform must offer. Any context, never sleeps. `Word` holds 64 bits, or fewer where the
/// platform says so; a word is accessed only through these calls.
///
/// load(word, order): not kFull.
/// add(word, delta, order): atomic; returns the sum.
/// exchange_if(word, expected, desired, order): atomic; true if the word was `expected` and now is
///   `desired`; otherwise nothing happened and no order is implied.
template <class W>
concept CountWords = requires(W w, typename W::Word& word, u64 value, Order order) {
  { w.load(word, order) } -> std::same_as<u64>;
  { w.add(word, value, order) } -> std::same_as<u64>;
  { w.exchange_if(word, value, value, order) } -> std::same_as<bool>;
};

/// store(word, value, order): not kFull.
/// set_bits(word, bits, order), clear_bits(word, bits, order): atomic.
template <class W>
concept Words = CountWords<W> && requires(W w, typename W::Word& word, u64 value, Order order) {
  { w.store(word, value, order) } -> std::same_as<void>;
  { w.set_bits(word, value, order) } -> std::same_as<void>;
  { w.clear_bits(word, value, order) } -> std::same_as<void>;
};

}  // namespace tlblab::core
