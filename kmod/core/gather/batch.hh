// SPDX-License-Identifier: GPL-2.0-only
// What a gather holds: the frames of cleared entries, until they are let go.
#pragma once

#include "kmod/core/platform.hh"

namespace tlblab::core {

/// Packed. A frame appears once for each of its cleared mappings.
class Batch {
 public:
  /// `frames`: room for `limit` frames, at least 1; owned by the caller.
  Batch(void** frames, u64 limit) : frames_(frames), limit_(limit) {}

  /// Entries that may be cleared before it is full.
  u64 room() const { return limit_ - nr_; }
  /// Where the frames of the next span go; room() of them.
  void** slots() { return frames_ + nr_; }
  /// `nr` frames were written to slots().
  void add(u32 nr) { nr_ += nr; }

  u64 size() const { return nr_; }
  void* const* frames() const { return frames_; }
  /// All frames were let go.
  void clear() { nr_ = 0; }

 private:
  void** frames_;
  u64 nr_ = 0;
  u64 limit_;
};

}  // namespace tlblab::core
