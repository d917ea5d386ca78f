// SPDX-License-Identifier: GPL-2.0-only
// Bad input: each gets the errno that abi.h documents, and nothing changes.
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <iterator>
#include <string>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"

namespace tlblab::vm {
namespace {

int call(const Arena& arena, unsigned long command, void* argument) {
  return ioctl(arena.fd(), command, argument) == 0 ? 0 : errno;
}

/// Performs a valid unmap after `spoil` has changed the request.
int spoiled(const std::function<void(tlblab_request&)>& spoil) {
  const Arena arena;
  const Shape shape(arena, 2, 2);
  tlblab_request request = unmap_request(TLBLAB_MERGED);
  request.ranges = reinterpret_cast<std::uint64_t>(shape.ranges().data());
  request.nr_ranges = shape.ranges().size();
  spoil(request);
  const int error = call(arena, TLBLAB_PERFORM, &request);
  // Refused means that nothing was done: every entry is still there.
  if (error != 0) {
    std::uint64_t nr_populated = 1;
    EXPECT_EQ(arena.populate(shape.ranges(), &nr_populated), 0);
    EXPECT_EQ(nr_populated, 0u);
  }
  return error;
}

}  // namespace

TEST(query_tells_what_is_here) {
  const tlblab_capabilities can = capabilities();
  EXPECT_EQ(can.abi_version, static_cast<std::uint32_t>(TLBLAB_ABI_VERSION));
  EXPECT_EQ(can.operations, catalogue::mask_of_all(catalogue::kOperations));
  EXPECT_EQ(can.gathers, catalogue::mask_of_all(catalogue::kGathers));
  EXPECT_EQ(can.extents, catalogue::mask_of_all(catalogue::kExtents));
  EXPECT_EQ(can.releases, catalogue::mask_of_all(catalogue::kReleases));
  EXPECT_EQ(can.flags, std::uint64_t{catalogue::kRequestFlags});
  // One of them is for machines that repeat completions: completion_test.cc.
  EXPECT_EQ(can.faults & ~(1ull << TLBLAB_NO_REPEAT), catalogue::faults_anywhere());
  EXPECT_TRUE((can.features & TLBLAB_HAS_PACE) != 0);
  EXPECT_EQ(can.page_bytes, kPage);
  EXPECT_EQ(can.entries_per_table, kEntriesPerTable);
#if defined(__aarch64__)
  EXPECT_EQ(can.mechanisms, (1ull << TLBLAB_TLBI_DSB_EACH) | (1ull << TLBLAB_TLBI_DSB_ONCE));
  EXPECT_EQ(can.ceiling_pages, kEntriesPerTable - 1);
#else
  EXPECT_EQ(can.mechanisms, 1ull << TLBLAB_KERNEL_SHOOTDOWN);
  EXPECT_EQ(can.ceiling_pages, 33u);
#endif
}

TEST(ceiling_is_what_the_kernel_has_now) {
  const std::string path = "/sys/kernel/debug/x86/tlb_single_page_flush_ceiling";
  if (access(path.c_str(), W_OK) != 0) return skip("this kernel shows no ceiling");
  EXPECT_TRUE((capabilities().features & TLBLAB_KNOWS_CEILING) != 0);
  const Arena arena;
  const Shape shape(arena, 1, 8);
  for (const std::uint32_t ceiling : {7u, 8u, 33u}) {
    write_file(path, std::to_string(ceiling));
    EXPECT_EQ(capabilities().ceiling_pages, ceiling);
    REQUIRE_EQ(arena.populate(shape.ranges()), 0);
    auto request = unmap_request(TLBLAB_MERGED);
    EXPECT_EQ(arena.perform(request, shape.ranges()), 0);
    EXPECT_EQ(request.account.full, ceiling < 8 ? 1u : 0u);
  }
}

TEST(valid_request_passes) {
  EXPECT_EQ(spoiled([](tlblab_request&) {}), 0);
}

TEST(unknown_commands_are_enotty) {
  const Arena arena;
  auto request = unmap_request(TLBLAB_MERGED);
  EXPECT_EQ(call(arena, _IO(TLBLAB_IOCTL_TYPE, 4), &request), ENOTTY);
  EXPECT_EQ(call(arena, _IO(TLBLAB_IOCTL_TYPE + 1, 0), &request), ENOTTY);
  EXPECT_EQ(call(arena, _IOR(TLBLAB_IOCTL_TYPE, 0, int), &request), ENOTTY);
}

TEST(sizes_of_other_versions) {
  const Arena arena;
  struct Longer {
    tlblab_capabilities known;
    std::uint64_t later;
  } longer{};
  longer.known.size = sizeof(longer);
  EXPECT_EQ(call(arena, TLBLAB_QUERY, &longer), 0);
  EXPECT_EQ(longer.known.abi_version, static_cast<std::uint32_t>(TLBLAB_ABI_VERSION));
  longer.later = 1;
  EXPECT_EQ(call(arena, TLBLAB_QUERY, &longer), E2BIG);
  auto can = sized<tlblab_capabilities>();
  can.size = 8;
  EXPECT_EQ(call(arena, TLBLAB_QUERY, &can), EINVAL);
  can.size = 0;
  EXPECT_EQ(call(arena, TLBLAB_QUERY, &can), EINVAL);
  can.size = 1u << 20;
  EXPECT_EQ(call(arena, TLBLAB_QUERY, &can), E2BIG);
  EXPECT_EQ(call(arena, TLBLAB_QUERY, nullptr), EFAULT);
  EXPECT_EQ(call(arena, TLBLAB_PERFORM, reinterpret_cast<void*>(8)), EFAULT);
}

TEST(request_of_the_first_version) {
  const Arena arena;
  const Shape shape(arena, 1, 2);
  struct {
    tlblab_request request;
    std::uint64_t later;
  } longer{};
  const auto perform = [&](std::uint32_t size) {
    longer.request = unmap_request(TLBLAB_MERGED);
    longer.request.size = size;
    longer.request.pace = 1;  // past the end of that version
    longer.request.ranges = reinterpret_cast<std::uint64_t>(shape.ranges().data());
    longer.request.nr_ranges = 1;
    return call(arena, TLBLAB_PERFORM, &longer);
  };
  EXPECT_EQ(perform(320), 0);
  EXPECT_EQ(longer.request.account.cleared, 2u);
  EXPECT_EQ(longer.request.pace, 1u);
  EXPECT_EQ(perform(312), EINVAL);
  EXPECT_EQ(perform(sizeof(tlblab_request)), EINVAL);
  longer.later = 1;
  EXPECT_EQ(perform(sizeof(longer)), E2BIG);
}

TEST(unknown_values_are_einval) {
  EXPECT_EQ(spoiled([](auto& r) { r.flags = 0x80; }), EINVAL);
  EXPECT_EQ(spoiled([](auto& r) { r.operation = 0; }), EINVAL);
  EXPECT_EQ(spoiled([](auto& r) { r.operation = 99; }), EINVAL);
  EXPECT_EQ(spoiled([](auto& r) { r.gather = 0; }), EINVAL);
  EXPECT_EQ(spoiled([](auto& r) { r.gather = 64 + TLBLAB_MERGED; }), EINVAL);
  EXPECT_EQ(spoiled([](auto& r) { r.extent = 0; }), EINVAL);
  EXPECT_EQ(spoiled([](auto& r) { r.extent = std::size(catalogue::kExtents) + 1; }), EINVAL);
  EXPECT_EQ(spoiled([](auto& r) { r.release = 0; }), EINVAL);
  EXPECT_EQ(spoiled([](auto& r) { r.release = std::size(catalogue::kReleases) + 1; }), EINVAL);
  EXPECT_EQ(spoiled([](auto& r) { r.mechanism = 0; }), EINVAL);
  EXPECT_EQ(spoiled([](auto& r) { r.mechanism = ~0u; }), EINVAL);
  EXPECT_EQ(spoiled([](auto& r) { r.fault = std::size(catalogue::kFaults) + 1; }), EINVAL);
  EXPECT_EQ(spoiled([](auto& r) { r.fault = 64 + TLBLAB_NO_FLUSH; }), EINVAL);
  EXPECT_EQ(spoiled([](auto& r) { r.engine = 1; }), EINVAL);
  EXPECT_EQ(spoiled([](auto& r) { r.account.requests = 1; }), EINVAL);
  EXPECT_EQ(spoiled([](auto& r) { *std::rbegin(r.account.reserved) = 1; }), EINVAL);
}

TEST(values_that_do_not_go_together) {
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    for (const catalogue::Value& extent : catalogue::kExtents) {
      EXPECT_EQ(spoiled([&](auto& r) {
                  r.gather = gather.value;
                  r.extent = extent.value;
                }),
                catalogue::has(gather.extents, extent.value) ? 0 : EINVAL);
    }
  }
}

TEST(mechanism_of_the_other_machine_is_eopnotsupp) {
#if defined(__aarch64__)
  EXPECT_EQ(spoiled([](auto& r) { r.mechanism = TLBLAB_KERNEL_SHOOTDOWN; }), EOPNOTSUPP);
#else
  EXPECT_EQ(spoiled([](auto& r) { r.mechanism = TLBLAB_TLBI_DSB_ONCE; }), EOPNOTSUPP);
  EXPECT_EQ(spoiled([](auto& r) { r.mechanism = TLBLAB_TLBI_DSB_EACH; }), EOPNOTSUPP);
#endif
}

TEST(bad_range_lists) {
  const Arena arena;
  const Arena other;
  const Shape shape(arena, 2, 4);
  const Shape foreign(other, 1, 4);
  const std::uint64_t a = shape.ranges()[0].start;
  const std::uint64_t b = shape.ranges()[1].start;
  const auto perform = [&](const std::vector<tlblab_range>& ranges) {
    tlblab_request request = unmap_request(TLBLAB_MERGED);
    const int error = arena.perform(request, ranges);
    const int error_of_populate = arena.populate(ranges);
    EXPECT_EQ(error_of_populate, error);
    return error;
  };
  EXPECT_EQ(perform({}), EINVAL);
  EXPECT_EQ(perform({{a + 1, kPage}}), EINVAL);
  EXPECT_EQ(perform({{a, kPage + 8}}), EINVAL);
  EXPECT_EQ(perform({{a, 0}}), EINVAL);
  EXPECT_EQ(perform({{b, kPage}, {a, kPage}}), EINVAL);
  EXPECT_EQ(perform({{a, 2 * kPage}, {a + kPage, kPage}}), EINVAL);
  EXPECT_EQ(perform({{a, ~0ull - kPage + 1}}), EINVAL);
  EXPECT_EQ(perform({{~0ull - kPage + 1, kPage}}), EINVAL);
  EXPECT_EQ(perform({{16 * kPage, 1ull << 40}}), EFAULT);
  EXPECT_EQ(perform({{a, 5 * kPage}}), EFAULT);
  EXPECT_EQ(perform({{a - kPage, kPage}}), EFAULT);
  EXPECT_EQ(perform({{kPage, kPage}}), EFAULT);
  EXPECT_EQ(perform({{foreign.ranges()[0].start, kPage}}), EFAULT);
  // Addresses of the kernel's half.
  EXPECT_EQ(perform({{0xffff800000000000ull, kPage}}), EFAULT);
  EXPECT_EQ(perform(std::vector<tlblab_range>(TLBLAB_MAX_RANGES + 1, {a, kPage})), E2BIG);
  // The longest list allowed is read, and then found to overlap.
  EXPECT_EQ(perform(std::vector<tlblab_range>(TLBLAB_MAX_RANGES, {a, kPage})), EINVAL);

  auto request = unmap_request(TLBLAB_MERGED);
  request.ranges = 8;
  request.nr_ranges = 1;
  EXPECT_EQ(call(arena, TLBLAB_PERFORM, &request), EFAULT);
  request.nr_ranges = ~0ull;
  EXPECT_EQ(call(arena, TLBLAB_PERFORM, &request), E2BIG);
}

TEST(populate_refuses_what_it_does_not_know) {
  const Arena arena;
  const Shape shape(arena, 1, 1);
  const auto populate = [&](const std::function<void(tlblab_populate&)>& spoil) {
    auto request = sized<tlblab_populate>();
    request.ranges = reinterpret_cast<std::uint64_t>(shape.ranges().data());
    request.nr_ranges = 1;
    request.node = -1;
    spoil(request);
    return call(arena, TLBLAB_POPULATE, &request);
  };
  EXPECT_EQ(populate([](auto&) {}), 0);
  EXPECT_EQ(populate([](auto& r) { r.flags = TLBLAB_TAG; }), 0);
  EXPECT_EQ(populate([](auto& r) { r.flags = 2; }), EINVAL);
  EXPECT_EQ(populate([](auto& r) { r.reserved = 1; }), EINVAL);
  EXPECT_EQ(populate([](auto& r) { r.populated = 1; }), EINVAL);
  EXPECT_EQ(populate([](auto& r) { r.node = -2; }), EINVAL);
  EXPECT_EQ(populate([](auto& r) { r.node = 1 << 20; }), EINVAL);
  EXPECT_EQ(populate([](auto& r) { r.node = 0; }), 0);
  auto books = sized<tlblab_totals>();
  books.reserved = 1;
  EXPECT_EQ(call(arena, TLBLAB_TOTALS, &books), EINVAL);
}

TEST(buffers_inside_lab_memory) {
  const Arena arena;
  const Shape shape(arena, 2, 4);
  auto* inside = reinterpret_cast<tlblab_request*>(shape.ranges()[0].start);
  const tlblab_range second = shape.ranges()[1];

  // The request in memory that it unmaps: refused, nothing happened.
  *inside = unmap_request(TLBLAB_MERGED);
  inside->ranges = reinterpret_cast<std::uint64_t>(shape.ranges().data());
  inside->nr_ranges = 2;
  EXPECT_EQ(call(arena, TLBLAB_PERFORM, inside), EINVAL);
  EXPECT_EQ(inside->nr_ranges, 2u);

  // The request and its list in other lab memory: no lock of ours is held when they are read.
  auto* list = reinterpret_cast<tlblab_range*>(inside + 1);
  *list = second;
  inside->ranges = reinterpret_cast<std::uint64_t>(list);
  inside->nr_ranges = 1;
  EXPECT_EQ(call(arena, TLBLAB_PERFORM, inside), 0);
  EXPECT_EQ(inside->account.cleared, 4u);

  // The list in memory that it unmaps: copied before, so it is fine.
  auto request = unmap_request(TLBLAB_MERGED);
  *list = shape.ranges()[0];
  request.ranges = reinterpret_cast<std::uint64_t>(list);
  request.nr_ranges = 1;
  EXPECT_EQ(call(arena, TLBLAB_PERFORM, &request), 0);
  EXPECT_EQ(request.account.cleared, 4u);
  request.account = {};

  // Now there is nothing behind these addresses.
  EXPECT_EQ(call(arena, TLBLAB_PERFORM, inside), EFAULT);
  EXPECT_EQ(call(arena, TLBLAB_PERFORM, &request), EFAULT);
}

TEST(account_that_cannot_be_written) {
  const Arena arena;
  const Shape shape(arena, 1, 2);
  void* page = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  auto* request = static_cast<tlblab_request*>(page);
  *request = unmap_request(TLBLAB_MERGED);
  request->ranges = reinterpret_cast<std::uint64_t>(shape.ranges().data());
  request->nr_ranges = 1;
  mprotect(page, kPage, PROT_READ);
  const tlblab_totals before = totals();
  EXPECT_EQ(call(arena, TLBLAB_PERFORM, request), EFAULT);
  // It was done nevertheless, and is in the totals.
  EXPECT_EQ(totals().account.cleared, before.account.cleared + 2);
  munmap(page, kPage);
}

}  // namespace tlblab::vm
