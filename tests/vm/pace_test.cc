// SPDX-License-Identifier: GPL-2.0-only
// Paced operations: every step is announced, in order; the privilege that pacing needs, and where
// the pace may lie; an operation that is never allowed to go on, and a caller that is killed while
// it is stopped. No frame is lost.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <string>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"
#include "tests/vm/paced_thread.hh"

namespace tlblab::vm {
namespace {

using Clock = std::chrono::steady_clock;

/// How long an operation waits that is not allowed to go on.
constexpr std::uint32_t kLimitMs = 2000;

/// How long to wait for a child.
constexpr auto kPatience = std::chrono::seconds(4);

tlblab_request tagging_request(std::uint32_t gather) {
  tlblab_request request = unmap_request(gather);
  request.flags = TLBLAB_ORACLE;
  return request;
}

/// 'c', 'f', 'r', 'R' for the steps of a call, as it announced them. Each one's subject is checked:
/// addresses in `ranges`, in their order, and their frames.
std::string steps_of(PacedThread& thread, const std::vector<std::uint64_t>& addresses,
                     const std::vector<std::uint64_t>& frames) {
  std::string steps;
  std::size_t nr_cleared = 0;
  std::size_t nr_released = 0;
  for (;;) {
    REQUIRE_EQ(thread.wait(), true);
    if (thread.returned()) return steps;
    const std::uint64_t subject = thread.subject();
    switch (thread.step()) {
      case TLBLAB_STEP_CLEAR:
        REQUIRE_EQ(nr_cleared < addresses.size(), true);
        EXPECT_EQ(subject, addresses[nr_cleared]);
        // It is still there.
        EXPECT_TRUE(!faults_with_sigbus(subject));
        ++nr_cleared;
        steps += 'c';
        break;
      case TLBLAB_STEP_FLUSH:
        steps += 'f';
        break;
      case TLBLAB_STEP_RELEASE:
        REQUIRE_EQ(nr_released < frames.size(), true);
        EXPECT_EQ(subject, frames[nr_released]);
        ++nr_released;
        steps += 'r';
        break;
      case TLBLAB_STEP_RETURN:
        EXPECT_EQ(subject, 0u);
        for (const std::uint64_t address : addresses) EXPECT_TRUE(faults_with_sigbus(address));
        steps += 'R';
        break;
      default:
        steps += '?';
    }
    thread.allow_step();
  }
}

/// Performs a valid unmap that is paced there, all steps allowed. Its errno.
int paced_at(const std::function<std::uint64_t(const Shape&)>& place) {
  const Arena arena;
  const Shape shape(arena, 2, 2);
  tlblab_request request = unmap_request(TLBLAB_MERGED);
  request.pace = place(shape);
  const int error = arena.perform(request, {shape.ranges()[0]});
  std::uint64_t nr_populated = 1;
  EXPECT_EQ(arena.populate(shape.ranges(), &nr_populated), 0);
  EXPECT_EQ(nr_populated, error == 0 ? 2u : 0u);
  return error;
}

}  // namespace

TEST(pace_stops_before_each_step) {
  // Two VMAs in one table.
  const auto expected = [](catalogue::Boundary flush_at) {
    switch (flush_at) {
      case catalogue::Boundary::kEntry:
        return "cfcfrrcfcfrrR";
      case catalogue::Boundary::kTable:
      case catalogue::Boundary::kVma:
        return "ccfrrccfrrR";
      case catalogue::Boundary::kEnd:
        return "ccccfrrrrR";
    }
    return "";
  };
  EXPECT_TRUE((capabilities().features & TLBLAB_HAS_PACE) != 0);
  PacedThread thread(1);
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    const Arena arena;
    const Shape shape(arena, 2, 2);
    std::vector<std::uint64_t> addresses;
    for (const tlblab_range& range : shape.ranges()) {
      addresses.push_back(range.start);
      addresses.push_back(range.start + kPage);
    }
    // Once more, for frames with tags.
    tlblab_request request = unmap_request(TLBLAB_MERGED);
    REQUIRE_EQ(arena.perform(request, shape.ranges()), 0);
    REQUIRE_EQ(arena.populate(shape.ranges(), nullptr, TLBLAB_TAG), 0);
    std::vector<std::uint64_t> frames(addresses.size());
    std::transform(addresses.begin(), addresses.end(), frames.begin(), [](std::uint64_t address) {
      return reinterpret_cast<const volatile tlblab_tag*>(address)->frame;
    });
    thread.begin_call(arena, tagging_request(gather.value), shape.ranges());
    EXPECT_EQ(steps_of(thread, addresses, frames), std::string(expected(gather.flush_at)));
    EXPECT_EQ(thread.finish_call(), 0);
    EXPECT_EQ(thread.account().cleared, 4u);
    EXPECT_EQ(thread.account().released, 4u);
    thread.rest();
  }
}

TEST(pace_that_is_all_allowed_changes_nothing) {
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    const Arena arena;
    const Shape shape(arena, 3, 300);
    tlblab_request plain = unmap_request(gather.value);
    REQUIRE_EQ(arena.perform(plain, shape.ranges()), 0);
    REQUIRE_EQ(arena.populate(shape.ranges()), 0);
    tlblab_request paced = unmap_request(gather.value);
    alignas(32) tlblab_pace pace{};
    pace.allowed = ~0u;
    paced.pace = reinterpret_cast<std::uint64_t>(&pace);
    REQUIRE_EQ(arena.perform(paced, shape.ranges()), 0);
    EXPECT_EQ(paced.account.cleared, plain.account.cleared);
    EXPECT_EQ(paced.account.requests, plain.account.requests);
    EXPECT_EQ(paced.account.released, plain.account.released);
    EXPECT_EQ(pace.stopped, 900 + plain.account.requests + 900 + 1);
    EXPECT_EQ(pace.step, std::uint32_t{TLBLAB_STEP_RETURN});
  }
}

TEST(pace_must_lie_in_ordinary_memory) {
  void* got = mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const auto page = reinterpret_cast<std::uint64_t>(got);
  reinterpret_cast<tlblab_pace*>(page)->allowed = ~0u;
  const auto at = [](std::uint64_t address) {
    return paced_at([address](const Shape&) { return address; });
  };
  EXPECT_EQ(at(page), 0);
  EXPECT_EQ(at(page + 4), EINVAL);
  EXPECT_EQ(at(page + kPage - 16), EINVAL);
  EXPECT_EQ(at(8), EFAULT);
  EXPECT_EQ(at(0xffff800000000000ull), EFAULT);
  EXPECT_EQ(at(~0ull - 31), EFAULT);
  mprotect(got, kPage, PROT_READ);
  EXPECT_EQ(at(page), EFAULT);
  munmap(got, 2 * kPage);
  EXPECT_EQ(at(page), EFAULT);
  // Lab memory: what it unmaps, and other.
  EXPECT_EQ(paced_at([](const Shape& shape) { return shape.ranges()[0].start + kPage; }), EINVAL);
  EXPECT_EQ(paced_at([](const Shape& shape) { return shape.ranges()[1].start; }), EFAULT);
}

TEST(pace_needs_the_right_to_it) {
  EXPECT_EQ(
      in_child([] {
        const Arena arena;
        const Shape shape(arena, 1, 4);
        if (setuid(65534) != 0) return 1;
        tlblab_request request = unmap_request(TLBLAB_MERGED);
        alignas(32) tlblab_pace pace{};
        pace.allowed = ~0u;
        request.pace = reinterpret_cast<std::uint64_t>(&pace);
        if (arena.perform(request, shape.ranges()) != EPERM) return 2;
        request.pace = 0;
        return arena.perform(request, shape.ranges()) == 0 && request.account.cleared == 4 ? 0 : 3;
      }),
      0);
}

TEST(pace_may_be_long_only_where_nobody_else_is) {
  // The most that is allowed beside VMAs which are not the lab's: their faults wait meanwhile.
  constexpr std::uint32_t kShortMs = 500;
  const Arena arena;
  const Shape shape(arena, 2, 2);
  const auto perform = [&](std::uint32_t limit_ms) {
    REQUIRE_EQ(arena.populate(shape.ranges()), 0);
    alignas(32) tlblab_pace pace{};
    pace.allowed = ~0u;
    pace.limit_ms = limit_ms;
    tlblab_request request = unmap_request(TLBLAB_MERGED);
    request.pace = reinterpret_cast<std::uint64_t>(&pace);
    const int error = arena.perform(request, shape.ranges());
    EXPECT_EQ(request.account.cleared, error == 0 ? shape.nr_pages() : 0);
    return error;
  };
  EXPECT_EQ(perform(TLBLAB_MAX_PACE_MS), 0);
  // In the table's last page, far from the lab's VMAs.
  const std::uint64_t table = shape.ranges()[0].start / kTableBytes * kTableBytes;
  void* const other = reinterpret_cast<void*>(table + kTableBytes - kPage);
  REQUIRE_EQ(mmap(other, kPage, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
             other);
  EXPECT_EQ(perform(TLBLAB_MAX_PACE_MS), EINVAL);
  EXPECT_EQ(perform(kShortMs + 1), EINVAL);
  EXPECT_EQ(perform(kShortMs), 0);
  EXPECT_EQ(perform(0), 0);
  munmap(other, kPage);
  EXPECT_EQ(perform(TLBLAB_MAX_PACE_MS), 0);
}

TEST(pace_ends_when_nobody_lets_it_go_on) {
  const tlblab_totals before = totals();
  const auto nr_in_use = [] { return totals().frames_in_use; };
  {
    const Arena arena;
    const Shape shape(arena, 1, 4);
    // Another page of this process, and a thread that has it in its TLB: its flush must reach the
    // CPU on which the operation stands with a page-table lock.
    void* other = mmap(nullptr, kPage, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    PacedThread thread(1);
    thread.begin_call(arena, tagging_request(TLBLAB_MERGED), shape.ranges(), kLimitMs);
    REQUIRE_EQ(thread.wait(), true);
    EXPECT_EQ(thread.step(), std::uint32_t{TLBLAB_STEP_CLEAR});
    EXPECT_EQ(madvise(other, kPage, MADV_DONTNEED), 0);
    EXPECT_TRUE(!thread.returned());
    EXPECT_TRUE(thread.wait_for_return(20'000'000'000));
    EXPECT_EQ(thread.finish_call(), ETIMEDOUT);
    // Done nevertheless; only the totals show it.
    EXPECT_EQ(thread.account().cleared, 0u);
    EXPECT_EQ(totals().account.cleared, before.account.cleared + 4);
    EXPECT_TRUE(faults_with_sigbus(shape.ranges()[0].start + 3 * kPage));
    munmap(other, kPage);
  }
  EXPECT_EQ(nr_in_use(), before.frames_in_use);
  EXPECT_TRUE(books_balance(totals()));
}

TEST(pace_ends_when_its_caller_is_killed) {
  const tlblab_totals before = totals();
  // With the lock, and without; with something cleared and something not.
  for (const std::uint32_t nr_steps : {0u, 3u, 5u, 7u, 9u}) {
    void* shared = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    auto* pace = static_cast<tlblab_pace*>(shared);
    pace->allowed = nr_steps;
    pace->limit_ms = TLBLAB_MAX_PACE_MS;
    std::fflush(stdout);
    const Clock::time_point start = Clock::now();
    const pid_t child = fork();
    if (child == 0) {
      pin_to_cpu(1);
      const Arena arena;
      const Shape shape(arena, 1, 4);
      tlblab_request request = tagging_request(TLBLAB_MERGED);
      request.pace = reinterpret_cast<std::uint64_t>(pace);
      arena.perform(request, shape.ranges());
      _exit(1);
    }
    while (__atomic_load_n(&pace->stopped, __ATOMIC_ACQUIRE) != nr_steps + 1 &&
           Clock::now() - start < kPatience) {
      usleep(100);
    }
    EXPECT_EQ(pace->stopped, nr_steps + 1);
    kill(child, SIGKILL);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    munmap(shared, kPage);
    EXPECT_EQ(totals().frames_in_use, before.frames_in_use);
    EXPECT_TRUE(books_balance(totals()));
  }
}

}  // namespace tlblab::vm
