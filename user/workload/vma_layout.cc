// SPDX-License-Identifier: GPL-2.0-only
// Lays out the VMAs of a shape in reserved address space.
#include "user/workload/vma_layout.hh"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "user/support/error.hh"

namespace tlblab {

std::size_t first_page_offset(const Shape& shape, std::size_t per_table) {
  const std::size_t span = shape.envelope_pages();
  if (span + 2 <= per_table) return 1;
  return per_table - std::min(per_table - 1, span / 2);
}

std::size_t tables_freed(const Shape& shape, std::size_t per_table) {
  const std::size_t begin = first_page_offset(shape, per_table);
  const std::size_t end = begin + shape.envelope_pages();
  const std::size_t first_whole = (begin + per_table - 1) / per_table;
  const std::size_t past_whole = end / per_table;
  return past_whole > first_whole ? past_whole - first_whole : 0;
}

std::vector<std::size_t> table_pieces(const Shape& shape, std::size_t per_table) {
  std::vector<std::size_t> pieces;
  for (std::size_t vma = 0; vma < shape.nr_vmas; ++vma) {
    std::size_t page =
        first_page_offset(shape, per_table) + vma * (shape.pages_per_vma + shape.gap_pages);
    for (std::size_t left = shape.pages_per_vma; left > 0;) {
      const std::size_t piece = std::min(left, per_table - page % per_table);
      pieces.push_back(piece);
      page += piece;
      left -= piece;
    }
  }
  return pieces;
}

Layout::Layout(const Shape& shape, std::size_t tables_above) {
  const std::size_t page = page_bytes();
  const std::size_t table_bytes = pages_per_table() * page;
  const std::size_t span_bytes = shape.envelope_pages() * page;
  // One table to align within, one each before and after so that both ends have a neighbour.
  reservation_bytes_ = span_bytes + (4 + tables_above) * table_bytes;
  reservation_ = mmap(nullptr, reservation_bytes_, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reservation_ == MAP_FAILED) {
    throw Error(ExitStatus::kMachine,
                fmt::format("cannot reserve {} MiB of address space for shape {}: {}",
                            reservation_bytes_ >> 20, shape.name(), std::strerror(errno)),
                "Choose a smaller shape, or raise the limit (ulimit -v).");
  }
  const auto base = reinterpret_cast<std::uintptr_t>(reservation_) + table_bytes;
  std::uintptr_t next =
      (base + table_bytes - 1) / table_bytes * table_bytes + first_page_offset(shape) * page;
  for (unsigned vma = 0; vma < shape.nr_vmas; ++vma) {
    ranges_.push_back({next, next + shape.pages_per_vma * page});
    next += (shape.pages_per_vma + shape.gap_pages) * page;
  }
  const std::uintptr_t above = (span().end + table_bytes - 1) / table_bytes * table_bytes;
  above_ = {above, above + tables_above * table_bytes};
  munmap(reinterpret_cast<void*>(span().begin), span_bytes);
}

Layout::~Layout() { munmap(reservation_, reservation_bytes_); }

}  // namespace tlblab
