// SPDX-License-Identifier: GPL-2.0-only
// The quarantine: the safety rule that makes a wrong scheme harmless.
//
// The rule. For each frame that a scheme released, in this order:
//
//   1. quarantine   no entry maps it; CPUs may go on using it
//   2. flush        every CPU drops everything that it holds, of any address space
//   3. give back    the kernel may use it for anything
//
// A drain takes its frames out before its flush begins; frames that come into quarantine later wait
// for the next drain. The flush relies on nothing that a scheme could be wrong about: no mask of
// CPUs, no generation, no ASID, no extent.
//
//      CPU 0, an unsound scheme       CPU 1, same mm                CPU 2, drains
//   1  empties the entry of A
//   2  releases A's frame             writes A through its TLB
//   3                                                               takes A's frame out
//   4                                 drops everything              has all CPUs flush, and waits
//   5                                                               gives the frame to the kernel
//   6                                 touches A: walks, faults
#pragma once

#include <concepts>

#include "kmod/core/platform.hh"

namespace tlblab::core {

/// What a platform must offer. One drain at a time; may sleep.
/// take(): sets aside the frames that are in quarantine now; returns their number.
/// flush_everything(): on return each CPU has, since the call, dropped all its translations, and
///   what it did through them is done.
/// give_back(): what was set aside may be used for anything.
template <class P>
concept Quarantine = requires(P p) {
  { p.take() } -> std::same_as<u64>;
  { p.flush_everything() } -> std::same_as<void>;
  { p.give_back() } -> std::same_as<void>;
};

/// Returns how many frames were given back. An empty quarantine costs no flush.
template <Quarantine P>
u64 drain(P& platform) {
  const u64 nr = platform.take();
  if (nr == 0) return 0;
  platform.flush_everything();
  platform.give_back();
  return nr;
}

}  // namespace tlblab::core
