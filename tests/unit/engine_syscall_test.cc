// SPDX-License-Identifier: GPL-2.0-only
// Engine `syscall` against the real kernel: what is mapped before and after each scheme.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include "user/engine/registry.hh"
#include "user/support/error.hh"
#include "user/workload/vma_layout.hh"

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

/// Every scheme that this machine can run, of every engine that it has.
std::vector<SchemeRef> available(const Engine& engine) {
  std::vector<SchemeRef> refs;
  for (const SchemeInfo& info : engine.schemes()) {
    if (info.unavailable.empty()) refs.push_back(find_scheme(info.name));
  }
  return refs;
}

std::vector<const Scheme*> plain(const std::vector<SchemeRef>& refs) {
  std::vector<const Scheme*> schemes;
  for (const SchemeRef& ref : refs) schemes.push_back(ref.scheme.get());
  return schemes;
}

TEST(SyscallEngine, EveryAvailableSchemeUnmapsEveryPageEveryTime) {
  const Shape shape{5, 3, 2};
  const Engine& engine = *engines().front();
  ASSERT_EQ(engine.name(), "syscall");
  for (const SchemeRef& ref : available(engine)) {
    const auto workspace = engine.open(shape, plain({ref}));
    for (std::uint64_t tag = 1; tag <= 3; ++tag) {
      workspace->prepare(tag);
      EXPECT_EQ(resident_pages(*workspace), shape.nr_pages());
      for (const AddressRange& range : workspace->ranges()) {
        EXPECT_EQ(*reinterpret_cast<const std::uint64_t*>(range.begin), tag);
      }
      EXPECT_EQ(workspace->perform(0), 0) << ref.full_name();
      EXPECT_EQ(resident_pages(*workspace), 0U) << ref.full_name();
      EXPECT_TRUE(workspace->account().empty()) << "the stock kernel shows no account";
    }
  }
}

/// Arms of one cell share a workspace, so a scheme must cope with what the other left.
TEST(SyscallEngine, SchemesMayFollowEachOtherInAnyOrder) {
  const Engine& engine = *engines().front();
  const std::vector<SchemeRef> refs = available(engine);
  const auto workspace = engine.open({4, 1, 1}, plain(refs));
  for (std::size_t first = 0; first < refs.size(); ++first) {
    for (std::size_t second = 0; second < refs.size(); ++second) {
      for (const std::size_t which : {first, second}) {
        workspace->prepare(which);
        EXPECT_EQ(workspace->perform(which), 0);
        EXPECT_EQ(resident_pages(*workspace), 0U);
      }
    }
  }
}

TEST(SyscallEngine, ExpectsARequestPerVmaOrOne) {
  const SchemeRef per_vma = find_scheme("munmap:per-vma");
  const SchemeRef merged = find_scheme("syscall/munmap:merged");
  const Shape shape{16, 4, 1};
  EXPECT_EQ(per_vma.scheme->expect(shape).requests, 16U);
#if defined(__x86_64__)
  EXPECT_EQ(merged.scheme->expect(shape).requests, 1U);
  EXPECT_EQ(merged.scheme->expect(shape).extent_pages, 79U);
#endif
  // More pages than one gather holds: the kernel flushes in between, so no number is promised.
  EXPECT_FALSE(merged.scheme->expect({16, 4096, 1}).requests.has_value());
}

/// Parameters are the lab's: nothing of them reaches the stock kernel's schemes.
TEST(SyscallEngine, TakesNoParameters) {
  EXPECT_THROW(parse_scheme("munmap:merged,exact"), Error);
  EXPECT_THROW(parse_scheme("syscall/unmap:merged"), Error);
  EXPECT_THROW(parse_scheme("lab/munmap:merged"), Error);
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
