// SPDX-License-Identifier: GPL-2.0-only
// A walk over pages of one's own: what it costs after an operation, less what it costs otherwise,
// is what the operation left its victim to pay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "user/model/address_range.hh"

namespace tlblab {

/// A random cycle over 0 .. nr_items - 1: next[i] follows i, and all are on the one cycle. Depends
/// on the seed alone. `nr_items` is positive.
std::vector<std::uint32_t> random_cycle(std::size_t nr_items, std::uint64_t seed);

/// The working set of one thread, and the walk over it: dependent loads, so that each waits for the
/// one before and no miss hides behind another; in random order, so that nothing is fetched ahead;
/// one cache line a page, at an offset that moves with the page, so that the lines spread over the
/// sets of the cache. Base pages where huge ones are off for the process.
class ProbeWalk {
 public:
  /// Maps and touches `most_pages`, on the caller's node. Throws Error(kMachine).
  explicit ProbeWalk(std::size_t most_pages);
  ~ProbeWalk();
  ProbeWalk(const ProbeWalk&) = delete;
  ProbeWalk& operator=(const ProbeWalk&) = delete;

  /// From now on the walk goes over the first `nr_pages`, positive and at most `most_pages`.
  void arrange(std::size_t nr_pages, std::uint64_t seed);

  /// Walks once, each page once. Two clock reads and the loads, in ns.
  [[nodiscard]] std::uint64_t time_ns() const;

  /// Walks until translations and lines are where they stay.
  void warm_up() const;

  [[nodiscard]] AddressRange range() const { return range_; }

 private:
  AddressRange range_;
  std::size_t nr_pages_ = 0;
  const void* first_ = nullptr;
};

}  // namespace tlblab
