// SPDX-License-Identifier: GPL-2.0-only
// Where the VMAs of a shape lie, the same for every engine, and which page tables they meet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "user/model/address_range.hh"
#include "user/model/shape.hh"
#include "user/support/page_size.hh"

namespace tlblab {

/// Offset in pages of the first VMA from a table boundary. Never 0: a neighbour VMA must share the
/// first and the last table, or unmapping would free them and mix a table flush (which goes to the
/// whole CPU mask, thread 004) into what is compared. A span that fits stays in one table; a longer
/// one straddles so that as few whole tables as possible lie inside. `per_table` here and below:
/// pages that one table maps; this machine's when not given.
std::size_t first_page_offset(const Shape& shape, std::size_t per_table = pages_per_table());

/// Last-level tables that lie wholly inside the span, and so are freed when it is unmapped.
std::size_t tables_freed(const Shape& shape, std::size_t per_table = pages_per_table());

/// Pages of each piece of a VMA that one table maps, in address order: what a gather that flushes
/// per table meets.
std::vector<std::size_t> table_pieces(const Shape& shape,
                                      std::size_t per_table = pages_per_table());

/// A reservation of address space with a hole for the shape's VMAs. The PROT_NONE rests on both
/// sides are the neighbours that keep the outer tables alive.
class Layout {
 public:
  /// `tables_above`: so many tables' worth of reserved space above the shape. Throws
  /// Error(kMachine) when the address space can't be had.
  explicit Layout(const Shape& shape, std::size_t tables_above = 0);
  ~Layout();
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;

  [[nodiscard]] const std::vector<AddressRange>& ranges() const { return ranges_; }
  [[nodiscard]] AddressRange span() const { return {ranges_.front().begin, ranges_.back().end}; }
  /// The space for `tables_above`, whole tables of it: to map over.
  [[nodiscard]] AddressRange above() const { return above_; }

 private:
  void* reservation_ = nullptr;
  std::size_t reservation_bytes_ = 0;
  std::vector<AddressRange> ranges_;
  AddressRange above_{};
};

}  // namespace tlblab
