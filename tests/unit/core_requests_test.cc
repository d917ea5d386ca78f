// SPDX-License-Identifier: GPL-2.0-only
// What the core refuses and asks for, and its door: core.cc as the kernel side calls it, over the
// functions of kmod/linux/kernel.h, which are the fake machine's here.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "kmod/core/core.cc"  // NOLINT: the module's only C++ unit, linked with a fake kernel
#include "tests/unit/core_bed.hh"

struct lab_session {
  tlblab::core::FakeMachine machine;
  tlblab::core::u64 nr_stops = 0;
};

bool lab_table_lock(struct lab_session* session, void* vma, __u64 start, __u64 end,
                    struct lab_table* table) {
  return session->machine.lock_table(vma, start, end, *table);
}
void lab_table_unlock(struct lab_session* session, struct lab_table* table) {
  session->machine.unlock_table(*table);
}
__u64 lab_clear_span(struct lab_session* session, struct lab_table* table, __u64 address, __u32 nr,
                     void** frames) {
  return session->machine.clear_span(*table, address, nr, frames);
}
struct lab_flush_cost lab_flush_intervals(struct lab_session* session,
                                          const struct lab_interval* intervals, __u32 nr) {
  return session->machine.flush(intervals, nr, LAB_ONE_INTERVAL_PER_REQUEST != 0);
}
struct lab_flush_cost lab_flush_mm(struct lab_session* session) {
  return session->machine.flush_mm();
}
__u64 lab_release_frames(struct lab_session* session, void* const* frames, __u32 nr) {
  return session->machine.release(frames, nr);
}
bool lab_resched_point(struct lab_session* session) { return session->machine.resched_point(); }
__u64 lab_clock_ns(void) { return 0; }
void lab_stop_before(struct lab_session* session, __u32 /*step*/, __u64 /*subject*/,
                     bool /*may_yield*/) {
  ++session->nr_stops;
}

namespace tlblab::core {
namespace {

tlblab_capabilities here() {
  tlblab_capabilities can{};
  lab_core_describe(&can);
  can.mechanisms = mask_of(TLBLAB_KERNEL_SHOOTDOWN);
  return can;
}

int check_with(void (*change)(tlblab_request&)) {
  tlblab_request request = request_of({});
  change(request);
  const tlblab_capabilities can = here();
  return lab_core_check(&request, &can);
}

TEST(CoreRequests, DescribesEveryValueOfTheAbi) {
  const tlblab_capabilities can = here();
  EXPECT_EQ(can.operations, 0b10U);
  EXPECT_EQ(can.gathers, 0b111110U);
  EXPECT_EQ(can.extents, 0b110U);
  EXPECT_EQ(can.releases, 0b10U);
  EXPECT_EQ(can.faults, 0b11110U);
  EXPECT_EQ(can.flags, TLBLAB_TIME_PHASES | TLBLAB_ORACLE);
}

TEST(CoreRequests, AcceptsEveryComposition) {
  const tlblab_capabilities can = here();
  for (Way way : all_compositions()) {
    for (const u32 flags : {0U, TLBLAB_TIME_PHASES, TLBLAB_ORACLE}) {
      way.flags = flags;
      const tlblab_request request = request_of(way);
      EXPECT_EQ(lab_core_check(&request, &can), 0) << way.name();
    }
  }
}

TEST(CoreRequests, RefusesValuesThatDoNotExist) {
  EXPECT_EQ(check_with([](tlblab_request& r) { r.flags = 4; }), kEinval);
  EXPECT_EQ(check_with([](tlblab_request& r) { r.flags = 1U << 31; }), kEinval);
  for (u32 tlblab_request::*field :
       {&tlblab_request::operation, &tlblab_request::gather, &tlblab_request::extent,
        &tlblab_request::release, &tlblab_request::mechanism}) {
    for (const u32 value : {0U, 6U, 31U, 32U, 33U, 63U, 64U, 65U, ~0U}) {
      tlblab_request request = request_of({});
      request.*field = value;
      const tlblab_capabilities can = here();
      EXPECT_EQ(lab_core_check(&request, &can), kEinval) << value;
    }
  }
}

TEST(CoreRequests, RefusesWhatDoesNotGoTogether) {
  for (const u32 gather : {TLBLAB_PER_PAGE, TLBLAB_FULL_MM}) {
    const tlblab_request request = request_of({.gather = gather, .extent = TLBLAB_EXACT});
    const tlblab_capabilities can = here();
    EXPECT_EQ(lab_core_check(&request, &can), kEinval);
  }
}

TEST(CoreRequests, RefusesWhatIsNotHere) {
  EXPECT_EQ(check_with([](tlblab_request& r) { r.mechanism = TLBLAB_TLBI_DSB_EACH; }), kEopnotsupp);
  EXPECT_EQ(check_with([](tlblab_request& r) { r.mechanism = TLBLAB_TLBI_DSB_ONCE; }), kEopnotsupp);
  for (__u64 tlblab_capabilities::*field :
       {&tlblab_capabilities::operations, &tlblab_capabilities::gathers,
        &tlblab_capabilities::extents, &tlblab_capabilities::releases}) {
    const tlblab_request request = request_of({});
    tlblab_capabilities can = here();
    can.*field = 0;
    EXPECT_EQ(lab_core_check(&request, &can), kEopnotsupp);
  }
}

TEST(CoreRequests, AsksForNoMoreMemoryThanItNeeds) {
  const auto frames = [](u32 gather, u64 batch, u64 nr_pages) {
    const tlblab_request request = request_of({.gather = gather, .batch_pages = batch});
    return lab_core_frames(&request, nr_pages);
  };
  EXPECT_EQ(frames(TLBLAB_MERGED, 0, 1'000'000), 1'000'000U);
  EXPECT_EQ(frames(TLBLAB_MERGED, 100, 1'000'000), 100U);
  EXPECT_EQ(frames(TLBLAB_MERGED, 100, 7), 7U);
  EXPECT_EQ(frames(TLBLAB_MERGED, ~u64{0}, 7), 7U);
  EXPECT_EQ(frames(TLBLAB_MERGED, 0, 0), 1U);
  EXPECT_EQ(frames(TLBLAB_PER_TABLE, 0, 1'000'000), 512U);
  EXPECT_EQ(frames(TLBLAB_PER_PAGE, 1000, 1'000'000), 512U);
  const auto intervals = [](u32 extent, u32 ceiling) {
    const tlblab_request request = request_of({.extent = extent});
    return lab_core_intervals(&request, ceiling);
  };
  EXPECT_EQ(intervals(TLBLAB_ENVELOPE, 33), 1U);
  EXPECT_EQ(intervals(TLBLAB_EXACT, 33), 33U);
  EXPECT_EQ(intervals(TLBLAB_EXACT, 0), 1U);
}

TEST(CoreRequests, RowsAreNamedApart) {
  std::set<std::string> names;
  for (const Scheme& scheme : kSchemes) {
    EXPECT_TRUE(names.insert(scheme.name).second) << scheme.name;
    EXPECT_EQ(std::string(scheme.name).find("unmap:"), 0U);
    EXPECT_EQ(find_scheme(scheme.operation, scheme.gather), &scheme);
  }
  EXPECT_EQ(names.size(), 5U);
}

TEST(CoreRequests, PerformsOnTheKernelPlatform) {
  lab_session session;
  for (u64 page = 10; page < 20; ++page) session.machine.map_page(page);
  const lab_piece piece = {10 * kPageBytes, 20 * kPageBytes, nullptr};
  tlblab_request request = request_of({.gather = TLBLAB_PER_TABLE, .flags = TLBLAB_TIME_PHASES});
  void* frames[10] = {};
  lab_interval slot{};
  const lab_plan plan = {&request, &piece, 1, 33, 1, 10, &slot, frames};
  tlblab_account account{};
  EXPECT_EQ(lab_core_perform(&session, &plan, &account), 0);
  session.machine.finish();
  EXPECT_TRUE(session.machine.violations().empty());
  EXPECT_EQ(account.requests, 1U);
  EXPECT_EQ(account.flushed_pages, 10U);
  EXPECT_EQ(account.released, 10U);
  EXPECT_EQ(session.nr_stops, 0U);

  // Paced: each entry, the flush, each frame.
  for (u64 page = 10; page < 20; ++page) session.machine.map_page(page);
  request.pace = 8;
  account = {};
  EXPECT_EQ(lab_core_perform(&session, &plan, &account), 0);
  EXPECT_EQ(account.released, 10U);
  EXPECT_EQ(account.requests, 1U);
  EXPECT_EQ(session.nr_stops, 21U);

  request.gather = 77;  // never checked: nothing is done
  EXPECT_EQ(lab_core_perform(&session, &plan, &account), kEinval);
  EXPECT_EQ(account.requests, 1U);
}

TEST(CoreRequests, CountsEntriesOfAMask) {
  for (u32 shift = 0; shift < 64; ++shift) {
    EXPECT_EQ(count_entries(~u64{0} >> shift), 64 - shift);
    EXPECT_EQ(count_entries(u64{1} << shift), 1U);
  }
  EXPECT_EQ(count_entries(0), 0U);
  EXPECT_EQ(count_entries(0xa5a5'0000'ffff'0001), 25U);
}

}  // namespace
}  // namespace tlblab::core
