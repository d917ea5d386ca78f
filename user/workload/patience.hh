// SPDX-License-Identifier: GPL-2.0-only
// How long one waits for a thread on another CPU, and the error when it doesn't answer.
#pragma once

#include <cstdint>

#include "user/support/clock.hh"
#include "user/support/error.hh"

namespace tlblab {

/// How long a thread on another CPU may take to answer before the run is abandoned.
inline constexpr std::uint64_t kPatienceNs = 5'000'000'000;

/// The error of a thread that took longer: `who` is on that CPU and has not done `what`.
Error no_answer(const char* who, int cpu, const char* what);

/// Spins until `ready()`: the caller has its CPU for itself, and one that slept would leave the
/// mm's CPU mask. The clock is read rarely, so that the wait ends soon after the other's word
/// changes. Throws no_answer() after kPatienceNs.
template <typename Ready>
void spin_until(const char* who, int cpu, const char* what, Ready&& ready) {
  const std::uint64_t begin = now_ns();
  for (unsigned turn = 1; !ready(); ++turn) {
    if (turn % 4096 == 0 && now_ns() - begin > kPatienceNs) throw no_answer(who, cpu, what);
  }
}

}  // namespace tlblab
