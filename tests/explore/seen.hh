// SPDX-License-Identifier: GPL-2.0-only
// The states that were seen: an open-addressing table from a state's key to a note about it.
#pragma once

#include <utility>
#include <vector>

#include "tests/explore/machine.hh"

namespace tlblab::explore {

class Seen {
 public:
  Seen() : slots_(std::size_t{1} << 16) {}

  /// Returns where the key's note is, and whether it was put there now. The place is good until the
  /// next insert(). `key` is not 0.
  std::pair<u64*, bool> insert(u64 key, u64 note) {
    if (size_ * 4 >= slots_.size() * 3) grow();
    Slot& slot = find(key);
    if (slot.key == key) return {&slot.note, false};
    slot = {key, note};
    ++size_;
    return {&slot.note, true};
  }

  /// The note of a key that was inserted.
  u64& note(u64 key) { return find(key).note; }

  [[nodiscard]] u64 size() const { return size_; }

 private:
  struct Slot {
    u64 key;  ///< 0: free
    u64 note;
  };

  Slot& find(u64 key) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = key & mask;  // a hash already
    while (slots_[at].key != 0 && slots_[at].key != key) at = (at + 1) & mask;
    return slots_[at];
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.key != 0) find(slot.key) = slot;
    }
  }

  std::vector<Slot> slots_;
  u64 size_ = 0;
};

}  // namespace tlblab::explore
