// SPDX-License-Identifier: GPL-2.0-only
// The planted fault TLBLAB_RELEASE_FIRST: each flush comes after the release of what it covers. In
// between, other CPUs use released frames.
#pragma once

#include "kmod/core/release/strict.hh"

namespace tlblab::core {

template <ReleasesFrames P>
class ReleaseFirst {
 public:
  explicit ReleaseFirst(Operation<P>& operation) : operation_(operation) {}

  /// Also under the table's lock, if that is where the gather flushes.
  void before_flush(Batch& batch, bool locked) { release_batch(operation_, batch, !locked); }
  void let_go(Batch& /*batch*/) {}

 private:
  Operation<P>& operation_;
};

}  // namespace tlblab::core
