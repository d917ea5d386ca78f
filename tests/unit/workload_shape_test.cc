// SPDX-License-Identifier: GPL-2.0-only
// Shapes, and where their VMAs and page tables lie.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include "user/model/shape.hh"
#include "user/support/error.hh"
#include "user/workload/vma_layout.hh"

namespace tlblab {
namespace {

TEST(Shape, ParsesWhatItPrints) {
  EXPECT_EQ(parse_shape("16x4"), (Shape{16, 4, 1}));
  EXPECT_EQ(parse_shape("16x4+3").name(), "16x4+3");
  EXPECT_EQ(parse_shape("1x1+0"), (Shape{1, 1, 0}));
}

TEST(Shape, RefusesNonsense) {
  for (const char* text : {"", "x", "16", "16x", "x4", "16x4+", "a16x4", "16x4b", "16 x4", "-1x4",
                           "0x4", "4x0", "2x4+0", "99999x1", "1x99999", "16384x4096"}) {
    EXPECT_THROW(parse_shape(text), Error) << text;
  }
}

TEST(Shape, EnvelopeCountsGapsBetweenButNotAfter) {
  EXPECT_EQ((Shape{16, 4, 1}).envelope_pages(), 79U);
  EXPECT_EQ((Shape{1, 4, 7}).envelope_pages(), 4U);
}

/// A table is freed only when no neighbour VMA shares it; the layout must keep both ends shared.
TEST(Layout, FreesNoTableUntilASpanHoldsOneWhole) {
  // Of pages of 4, 16 and 64 KiB.
  for (const std::size_t per_table : {512U, 2048U, 8192U}) {
    for (const unsigned vmas : {1U, 2U, 16U, 32U, 64U, 512U}) {
      for (const unsigned pages : {1U, 4U, 16U, 64U}) {
        const Shape shape{vmas, pages, 1};
        const std::size_t begin = first_page_offset(shape, per_table);
        const std::size_t end = begin + shape.envelope_pages();
        EXPECT_GE(begin, 1U) << shape.name();
        // Counted the slow way: tables all of whose pages lie in [begin, end).
        std::size_t whole = 0;
        for (std::size_t table = 0; table * per_table < end; ++table) {
          whole += table * per_table >= begin && (table + 1) * per_table <= end ? 1 : 0;
        }
        EXPECT_EQ(tables_freed(shape, per_table), whole) << shape.name();
        if (shape.envelope_pages() + 2 <= 2 * per_table) {
          EXPECT_EQ(whole, 0U) << shape.name();
        }
      }
    }
  }
}

TEST(Layout, CutsVmasWhereATableEnds) {
  using Pieces = std::vector<std::size_t>;
  EXPECT_EQ(table_pieces({4, 2, 1}), (Pieces{2, 2, 2, 2}));
  // 902 pages lie around a boundary: the first begins 61 pages into its table.
  EXPECT_EQ(first_page_offset({3, 300, 1}, 512), 61U);
  EXPECT_EQ(table_pieces({3, 300, 1}, 512), (Pieces{300, 150, 150, 300}));
  // A larger table holds them all.
  EXPECT_EQ(first_page_offset({3, 300, 1}, 2048), 1U);
  EXPECT_EQ(table_pieces({3, 300, 1}, 2048), (Pieces{300, 300, 300}));
}

TEST(Layout, LeavesAHoleWithNeighboursOnBothSides) {
  const Shape shape{3, 2, 1};
  const Layout layout(shape);
  const std::size_t page = page_bytes();
  ASSERT_EQ(layout.ranges().size(), 3U);
  const std::uintptr_t first = layout.span().begin;
  EXPECT_EQ(first % (pages_per_table() * page), first_page_offset(shape) * page);
  EXPECT_EQ(layout.span().end - first, shape.envelope_pages() * page);
  unsigned char resident = 0;
  const auto mapped = [&](std::uintptr_t at) {
    return mincore(reinterpret_cast<void*>(at), page, &resident) == 0;
  };
  EXPECT_TRUE(mapped(first - page));
  EXPECT_TRUE(mapped(layout.span().end));
  for (std::uintptr_t at = first; at < layout.span().end; at += page) EXPECT_FALSE(mapped(at));
}

}  // namespace
}  // namespace tlblab
