// SPDX-License-Identifier: GPL-2.0-only
// Engine `syscall` against the real kernel: what is mapped before and after each scheme.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include "user/engine/engine.hh"
#include "user/engine/syscall_layout.hh"
#include "user/support/error.hh"

namespace tlblab {
namespace {

/// Pages of the workspace that are in memory; a page of a hole counts as not.
std::size_t resident_pages(const Workspace& workspace) {
  std::size_t count = 0;
  for (const AddressRange& range : workspace.ranges()) {
    for (std::uintptr_t at = range.begin; at < range.end; at += page_bytes()) {
      unsigned char resident = 0;
      if (mincore(reinterpret_cast<void*>(at), page_bytes(), &resident) == 0) count += resident & 1;
    }
  }
  return count;
}

TEST(SyscallEngine, EveryAvailableSchemeUnmapsEveryPageEveryTime) {
  const Shape shape{5, 3, 2};
  for (const Engine* engine : engines()) {
    for (std::size_t i = 0; i < engine->schemes().size(); ++i) {
      if (!engine->schemes()[i].unavailable.empty()) continue;
      const auto workspace = engine->open(shape);
      for (std::uint64_t tag = 1; tag <= 3; ++tag) {
        workspace->prepare(tag);
        EXPECT_EQ(resident_pages(*workspace), shape.nr_pages());
        for (const AddressRange& range : workspace->ranges()) {
          EXPECT_EQ(*reinterpret_cast<const std::uint64_t*>(range.begin), tag);
        }
        EXPECT_EQ(workspace->perform(i), 0) << engine->schemes()[i].name;
        EXPECT_EQ(resident_pages(*workspace), 0U) << engine->schemes()[i].name;
      }
    }
  }
}

/// Arms of one cell share a workspace, so a scheme must cope with what the other left.
TEST(SyscallEngine, SchemesMayFollowEachOtherInAnyOrder) {
  const Shape shape{4, 1, 1};
  const Engine* engine = engines().front();
  const auto workspace = engine->open(shape);
  const std::size_t count = engine->schemes().size();
  for (std::size_t first = 0; first < count; ++first) {
    for (std::size_t second = 0; second < count; ++second) {
      for (const std::size_t scheme : {first, second}) {
        if (!engine->schemes()[scheme].unavailable.empty()) continue;
        workspace->prepare(scheme);
        EXPECT_EQ(workspace->perform(scheme), 0);
        EXPECT_EQ(resident_pages(*workspace), 0U);
      }
    }
  }
}

TEST(SyscallEngine, ExpectsARequestPerVmaOrOne) {
  const SchemeRef per_vma = find_scheme("munmap:per-vma");
  const SchemeRef merged = find_scheme("syscall/munmap:merged");
  const Shape shape{16, 4, 1};
  EXPECT_EQ(per_vma.engine->expect(per_vma.index, shape).requests, 16U);
#if defined(__x86_64__)
  EXPECT_EQ(merged.engine->expect(merged.index, shape).requests, 1U);
  EXPECT_EQ(merged.engine->expect(merged.index, shape).extent_pages, 79U);
#endif
  // More pages than one gather holds: the kernel flushes in between, so no number is promised.
  EXPECT_FALSE(merged.engine->expect(merged.index, {16, 4096, 1}).requests.has_value());
}

TEST(Schemes, UnknownOnesAreRefusedWithTheListOfKnownOnes) {
  try {
    find_scheme("munmap:sideways");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.advice().find("munmap:merged"), std::string::npos);
  }
}

}  // namespace
}  // namespace tlblab
