// SPDX-License-Identifier: GPL-2.0-only
// On CPUs that report broadcast invalidations as complete too early, such as the Neoverse N1, each
// completion is repeated, as in the kernel's own flushes. The runner sets EXPECT_REPEAT=1 if this
// guest's CPUs are such.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"

namespace tlblab::vm {
namespace {

constexpr unsigned kVmas = 16;
constexpr unsigned kPagesEach = 4;

using catalogue::has;

bool must_repeat() {
  const char* const text = std::getenv("EXPECT_REPEAT");
  return text != nullptr && std::string(text) == "1";
}

/// An unmap of the shape, which is populated for it. Its errno; the account in `request`.
int unmap(const Arena& arena, const Shape& shape, tlblab_request& request) {
  REQUIRE_EQ(arena.populate(shape.ranges()), 0);
  return arena.perform(request, shape.ranges());
}

tlblab_request request_of(const catalogue::Gather& gather, const catalogue::Value& mechanism,
                          std::uint32_t fault = 0) {
  tlblab_request request = unmap_request(gather.value);
  request.mechanism = mechanism.value;
  request.fault = fault;
  return request;
}

/// All but the repetition that the fault leaves out, and times, which differ anyway.
void expect_alike(const tlblab_account& a, const tlblab_account& b) {
  for (const catalogue::Term& term : catalogue::kTerms) {
    if (term.field == &tlblab_account::repeats) continue;
    if (term.counted != catalogue::Counted::kTimed) EXPECT_EQ(a.*term.field, b.*term.field);
  }
}

/// Calls f(gather, mechanism) for all that the machine has.
template <class F>
void for_each_kind(const tlblab_capabilities& can, F f) {
  for (const catalogue::Value& mechanism : catalogue::kMechanisms) {
    if (!has(can.mechanisms, mechanism.value)) continue;
    for (const catalogue::Gather& gather : catalogue::kGathers) f(gather, mechanism);
  }
}

}  // namespace

TEST(completion_is_repeated_where_it_must_be) {
  const tlblab_capabilities can = capabilities();
  if (must_repeat()) EXPECT_TRUE(has(can.faults, TLBLAB_NO_REPEAT));
  const bool repeats = has(can.faults, TLBLAB_NO_REPEAT);
  const Arena arena;
  const Shape shape(arena, kVmas, kPagesEach);
  // Kernels repeat either after a request's invalidations, or in each of them. One or the other.
  bool each_dsb = true;
  bool each_tlbi = true;
  for_each_kind(can, [&](const catalogue::Gather& gather, const catalogue::Value& mechanism) {
    tlblab_request request = request_of(gather, mechanism);
    REQUIRE_EQ(unmap(arena, shape, request), 0);
    const tlblab_account& account = request.account;
    EXPECT_EQ(account.cleared, std::uint64_t{kVmas} * kPagesEach);
    if (!repeats) {
      EXPECT_EQ(account.repeats, 0u);
      return;
    }
    EXPECT_GE(account.dsb_ish, 1u);
    each_dsb = each_dsb && account.repeats == account.dsb_ish;
    each_tlbi = each_tlbi && account.repeats == account.tlbi;
    std::printf("# %s, %s: %llu repeats, %llu TLBI, %llu DSB\n", gather.name, mechanism.name,
                account.repeats, account.tlbi, account.dsb_ish);
  });
  if (!repeats) return;
  EXPECT_TRUE(each_dsb || each_tlbi);
  std::printf("# repeated at %s\n", each_dsb ? "each DSB" : each_tlbi ? "each TLBI" : "neither");
}

TEST(completion_is_repeated_unless_the_fault_is_planted) {
  const tlblab_capabilities can = capabilities();
  if (must_repeat()) EXPECT_TRUE(has(can.faults, TLBLAB_NO_REPEAT));
  const Arena arena;
  const Shape shape(arena, kVmas, kPagesEach);
  for_each_kind(can, [&](const catalogue::Gather& gather, const catalogue::Value& mechanism) {
    tlblab_request faulty = request_of(gather, mechanism, TLBLAB_NO_REPEAT);
    const int error = unmap(arena, shape, faulty);
    if (!has(can.faults, TLBLAB_NO_REPEAT)) {
      EXPECT_EQ(error, EOPNOTSUPP);
      return;
    }
    REQUIRE_EQ(error, 0);
    EXPECT_EQ(faulty.account.repeats, 0u);
    tlblab_request sound = request_of(gather, mechanism);
    REQUIRE_EQ(unmap(arena, shape, sound), 0);
    EXPECT_GE(sound.account.repeats, 1u);
    expect_alike(faulty.account, sound.account);
  });
}

}  // namespace tlblab::vm
