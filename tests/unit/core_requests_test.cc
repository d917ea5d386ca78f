// SPDX-License-Identifier: GPL-2.0-only
// What the core refuses and what it asks for, and its entry points: core.cc as the kernel side
// calls it, over the functions of kmod/boundary/kernel.h, which the fake machine implements here.
#include <gtest/gtest.h>

#include <string>

#include "kmod/core/core.cc"  // NOLINT: the module's only C++ unit, linked with a fake kernel
#include "tests/unit/core_bed.hh"

struct lab_session {
  tlblab::core::FakeMachine machine;
  tlblab::core::u64 nr_stops = 0;
};

namespace {

/// The machine of calls that don't name one.
tlblab::core::FakeMachine* only_machine;
/// The quarantine's steps, in the order in which they were taken.
std::string quarantine_steps;
__u64 nr_quarantined;

}  // namespace

bool lab_table_lock(struct lab_session* session, void* vma, __u64 start, __u64 end,
                    struct lab_table* table) {
  return session->machine.lock_table(vma, start, end, *table);
}
void lab_table_unlock(struct lab_session* session, struct lab_table* table) {
  session->machine.unlock_table(*table);
}
struct lab_span lab_clear_span(struct lab_session* session, struct lab_table* table, __u64 address,
                               __u32 nr, void** frames) {
  return session->machine.clear_span(*table, address, nr, frames);
}
// x86's part of the kernel, and arm64's: the host has one of them.
struct lab_flush_cost lab_shootdown(struct lab_session* session, const struct lab_flush* request) {
  return session->machine.shoot_down(*request);
}
void lab_publish(void) { only_machine->publish(); }
__u64 lab_read_asid(struct lab_session* session) { return session->machine.read_asid(); }
__u64 lab_invalidate(__u64 asid, const struct lab_interval* interval, bool repeat) {
  return only_machine->invalidate(asid, *interval, repeat);
}
__u64 lab_invalidate_mm(__u64 asid, bool repeat) {
  return only_machine->invalidate_mm(asid, repeat);
}
__u64 lab_complete(bool repeat) { return only_machine->complete(repeat); }
__u64 lab_release_frames(struct lab_session* session, void* const* frames, __u32 nr) {
  return session->machine.release(frames, nr);
}
struct lab_reserved lab_reserve_span(struct lab_session* session, void* vma, __u64 address,
                                     __u32 nr) {
  return session->machine.reserve_span(vma, address, nr);
}
struct lab_set lab_set_span(struct lab_session* session, void* vma, __u64 address, __u32 nr,
                            __u64 reserved) {
  return session->machine.set_span(vma, address, nr, reserved);
}
void lab_unreserve_span(struct lab_session* session, void* vma, __u64 address, __u64 reserved) {
  session->machine.unreserve_span(vma, address, reserved);
}
__u32 lab_take_left(struct lab_session* session, void* vma, void** frames) {
  return session->machine.take_left(vma, frames);
}
bool lab_resched_point(struct lab_session* session) { return session->machine.resched_point(); }
__u64 lab_clock_ns(void) { return 0; }
void lab_stop_before(struct lab_session* session, __u32 /*step*/, __u64 /*subject*/,
                     bool /*may_yield*/) {
  ++session->nr_stops;
}
__u64 lab_word_load(const __u64* word) { return *word; }
__u64 lab_word_add(__u64* word, __u64 delta) { return *word += delta; }
bool lab_word_exchange_if(__u64* word, __u64 expected, __u64 desired) {
  if (*word != expected) return false;
  *word = desired;
  return true;
}
__u64 lab_quarantine_take(void) {
  quarantine_steps += 't';
  return nr_quarantined;
}
void lab_flush_everything(void) { quarantine_steps += 'f'; }
void lab_quarantine_give_back(void) { quarantine_steps += 'g'; }

namespace tlblab::core {
namespace {

tlblab_capabilities here() {
  tlblab_capabilities can{};
  lab_core_describe(&can);
  can.mechanisms = mask_of(TLBLAB_KERNEL_SHOOTDOWN);
  return can;
}

const catalogue::Gather& row_of(u32 gather) {
  return *catalogue::find(catalogue::kGathers, gather);
}

int prepare_on(const tlblab_capabilities& can, const tlblab_request& request) {
  lab_needs needs{};
  return lab_core_prepare(&request, &can, &needs);
}

int check_with(void (*change)(tlblab_request&)) {
  tlblab_request request = request_of({});
  change(request);
  const tlblab_capabilities can = here();
  return prepare_on(can, request);
}

TEST(CoreRequests, DescribesTheCatalogue) {
  const tlblab_capabilities can = here();
  EXPECT_EQ(can.operations, mask_of_all(catalogue::kOperations));
  EXPECT_EQ(can.gathers, mask_of_all(catalogue::kGathers));
  EXPECT_EQ(can.extents, mask_of_all(catalogue::kExtents));
  EXPECT_EQ(can.releases, mask_of_all(catalogue::kReleases));
  EXPECT_EQ(can.faults, catalogue::faults_anywhere());
  EXPECT_FALSE(has(can.faults, TLBLAB_NO_REPEAT)) << "the architecture's, on some cores";
  EXPECT_EQ(can.flags, TLBLAB_TIME_PHASES | TLBLAB_ORACLE);
}

TEST(CoreRequests, AcceptsEveryComposition) {
  const tlblab_capabilities can = here();
  for (Way way : all_compositions()) {
    for (const u32 flags : {0U, TLBLAB_TIME_PHASES, TLBLAB_ORACLE}) {
      way.flags = flags;
      const tlblab_request request = request_of(way);
      EXPECT_EQ(prepare_on(can, request), 0) << way.name();
    }
  }
}

TEST(CoreRequests, RefusesValuesThatDoNotExist) {
  EXPECT_EQ(check_with([](tlblab_request& r) { r.flags = 4; }), kEinval);
  EXPECT_EQ(check_with([](tlblab_request& r) { r.flags = 1U << 31; }), kEinval);
  const struct {
    u32 tlblab_request::*field;
    u64 nr_values;
  } choices[] = {{&tlblab_request::operation, std::size(catalogue::kOperations)},
                 {&tlblab_request::gather, std::size(catalogue::kGathers)},
                 {&tlblab_request::extent, std::size(catalogue::kExtents)},
                 {&tlblab_request::release, std::size(catalogue::kReleases)},
                 {&tlblab_request::mechanism, std::size(catalogue::kMechanisms)}};
  for (const auto& [field, nr_values] : choices) {
    const auto next = static_cast<u32>(nr_values + 1);
    for (const u32 value : {0U, next, 31U, 32U, 33U, 63U, 64U, 65U, ~0U}) {
      tlblab_request request = request_of({});
      request.*field = value;
      const tlblab_capabilities can = here();
      EXPECT_EQ(prepare_on(can, request), kEinval) << value;
    }
  }
}

TEST(CoreRequests, RefusesWhatDoesNotGoTogether) {
  const tlblab_capabilities can = here();
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    const tlblab_request request = request_of({.gather = gather.value, .extent = TLBLAB_EXACT});
    // One page at a time, or the whole mm: no choice.
    const bool no_choice = gather.flush_at == Boundary::kEntry || gather.whole_mm;
    EXPECT_EQ(prepare_on(can, request), no_choice ? kEinval : 0) << gather.name;
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
    EXPECT_EQ(prepare_on(can, request), kEopnotsupp);
  }
}

TEST(CoreRequests, AFaultOfSomeMachinesIsNotOfAll) {
  tlblab_request request = request_of({});
  request.fault = TLBLAB_NO_REPEAT;
  tlblab_capabilities can = here();
  EXPECT_EQ(prepare_on(can, request), kEopnotsupp);
  can.faults |= mask_of(TLBLAB_NO_REPEAT);
  EXPECT_EQ(prepare_on(can, request), 0);
  request.fault = std::size(catalogue::kFaults) + 1;
  EXPECT_EQ(prepare_on(can, request), kEinval);
}

TEST(CoreRequests, SaysWhatItNeedsOfItsCaller) {
  tlblab_capabilities can = here();
  can.ceiling_pages = 33;
  can.entries_per_table = 512;
  tlblab_request request = request_of({});
  lab_needs needs{};
  EXPECT_EQ(lab_core_prepare(&request, &can, &needs), 0);
  EXPECT_FALSE(needs.writes_vmas);
  EXPECT_TRUE(needs.claims_ranges);
  EXPECT_EQ(needs.ceiling_pages, 33U);
  request.ceiling_pages = 34;
  request.fault = TLBLAB_TRUST_NONE;
  EXPECT_EQ(lab_core_prepare(&request, &can, &needs), 0);
  EXPECT_FALSE(needs.claims_ranges);
  EXPECT_EQ(needs.ceiling_pages, 33U);
  request.ceiling_pages = 7;
  EXPECT_EQ(lab_core_prepare(&request, &can, &needs), 0);
  EXPECT_EQ(needs.ceiling_pages, 7U);
  lab_core_prepare_populate(&can, &needs);
  EXPECT_FALSE(needs.writes_vmas);
  EXPECT_TRUE(needs.claims_ranges);
  EXPECT_EQ(needs.max_frames, kNoLimit);
  EXPECT_EQ(needs.max_intervals, 33U);
}

TEST(CoreRequests, RefusesEnginesThatTheLabIsNot) {
  EXPECT_EQ(check_with([](tlblab_request& r) { r.engine = TLBLAB_ENGINE_LAB + 1; }), kEinval);
}

TEST(CoreRequests, AsksForNoMoreMemoryThanItNeeds) {
  const auto frames = [](u32 gather, u64 batch, u64 nr_pages, u32 entries_per_table = 512) {
    const tlblab_request request = request_of({.gather = gather, .batch_pages = batch});
    return list_length(needs_of(request, row_of(gather), entries_per_table, 33).max_frames,
                       nr_pages);
  };
  EXPECT_EQ(frames(TLBLAB_MERGED, 0, 1'000'000), 1'000'000U);
  EXPECT_EQ(frames(TLBLAB_MERGED, 100, 1'000'000), 100U);
  EXPECT_EQ(frames(TLBLAB_MERGED, 100, 7), 7U);
  EXPECT_EQ(frames(TLBLAB_MERGED, ~u64{0}, 7), 7U);
  EXPECT_EQ(frames(TLBLAB_MERGED, 0, 0), 1U);
  EXPECT_EQ(frames(TLBLAB_PER_TABLE, 0, 1'000'000), 512U);
  EXPECT_EQ(frames(TLBLAB_PER_PAGE, 1000, 1'000'000), 512U);
  EXPECT_EQ(frames(TLBLAB_PER_TABLE, 0, 1'000'000, 8192), 8192U);
  const auto intervals = [](u32 extent, u32 ceiling, u64 nr_pages) {
    const tlblab_request request = request_of({.extent = extent});
    return list_length(needs_of(request, row_of(request.gather), 512, ceiling).max_intervals,
                       nr_pages);
  };
  EXPECT_EQ(intervals(TLBLAB_ENVELOPE, 33, 100), 1U);
  EXPECT_EQ(intervals(TLBLAB_EXACT, 33, 100), 33U);
  EXPECT_EQ(intervals(TLBLAB_EXACT, 33, 7), 7U);
  EXPECT_EQ(intervals(TLBLAB_EXACT, ~0U, 7), 7U) << "a ceiling that root has raised";
  EXPECT_EQ(intervals(TLBLAB_EXACT, 0, 100), 1U);
  EXPECT_EQ(intervals(TLBLAB_EXACT, 33, 0), 1U);
}

TEST(CoreRequests, PerformsOnTheKernelPlatform) {
  lab_session session;
  only_machine = &session.machine;
  for (u64 page = 10; page < 20; ++page) session.machine.map_page(page);
  const lab_piece piece = {10 * kPageBytes, 20 * kPageBytes, nullptr};
  tlblab_request request = request_of({.gather = TLBLAB_PER_TABLE, .flags = TLBLAB_TIME_PHASES});
  void* frames[10] = {};
  lab_interval slot{};
  const lab_plan plan = {&request, &piece, 1, kPageShift, 512, 33, 10, &slot, frames};
  tlblab_account account{};
  lab_leftovers leftovers{};
  EXPECT_EQ(lab_core_perform(&session, &plan, &leftovers, &account), 0);
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
  EXPECT_EQ(lab_core_perform(&session, &plan, &leftovers, &account), 0);
  EXPECT_EQ(account.released, 10U);
  EXPECT_EQ(account.requests, 1U);
  EXPECT_EQ(session.nr_stops, 21U);

  request.gather = 77;  // never checked: nothing is done
  EXPECT_EQ(lab_core_perform(&session, &plan, &leftovers, &account), kEinval);
  EXPECT_EQ(account.requests, 1U);
}

TEST(CoreRequests, WhatWasPerformedIsFlushedOnceBeforeAddressesAreReused) {
  lab_session session;
  only_machine = &session.machine;
  lab_leftovers leftovers{};
  lab_core_forget(&session, &leftovers);
  EXPECT_TRUE(session.machine.violations().empty()) << "nothing performed: no flush";
  session.machine.map_page(10);
  const lab_piece piece = {10 * kPageBytes, 11 * kPageBytes, nullptr};
  tlblab_request request = request_of({});
  request.fault = TLBLAB_NO_FLUSH;
  void* frames[1] = {};
  lab_interval slot{};
  const lab_plan plan = {&request, &piece, 1, kPageShift, 512, 33, 1, &slot, frames};
  tlblab_account account{};
  EXPECT_EQ(lab_core_perform(&session, &plan, &leftovers, &account), 0);
  EXPECT_GT(leftovers.marked, leftovers.flushed);
  lab_core_forget(&session, &leftovers);
  EXPECT_EQ(leftovers.marked, leftovers.flushed);
  lab_core_forget(&session, &leftovers);
  session.machine.finish();
  EXPECT_FALSE(session.machine.saw("returned with a debt: a stale translation is usable"));
  EXPECT_FALSE(session.machine.saw("flush without a debt")) << "once is enough";
}

TEST(CoreRequests, QuarantineIsGivenBackAfterTheFlush) {
  quarantine_steps.clear();
  nr_quarantined = 0;
  EXPECT_EQ(lab_core_drain(), 0U);
  EXPECT_EQ(quarantine_steps, "t") << "nothing there: no flush";
  nr_quarantined = 3;
  EXPECT_EQ(lab_core_drain(), 3U);
  EXPECT_EQ(quarantine_steps, "ttfg");
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
