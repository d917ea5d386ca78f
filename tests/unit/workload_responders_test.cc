// SPDX-License-Identifier: GPL-2.0-only
// The responders' proof of presence, with each way to fail it planted.
#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <thread>

#include "user/engine/registry.hh"
#include "user/support/clock.hh"
#include "user/support/error.hh"
#include "user/topology/placement.hh"
#include "user/workload/responders.hh"

namespace tlblab {
namespace {

class Responders : public testing::Test {
 protected:
  void SetUp() override {
    sched_getaffinity(0, sizeof before_, &before_);
    cpus_ = allowed_cpus();
    if (cpus_.size() < 2) GTEST_SKIP() << "one CPU: no responder";
    // On a busy machine this thread may otherwise share the responder's CPU, and no trial can then
    // pass without a switch.
    pin_to_cpu(cpus_[0]);
    const SchemeRef ref = find_scheme("munmap:merged");
    const std::array<const Scheme*, 1> schemes = {ref.scheme.get()};
    workspace_ = ref.engine->open({4, 2, 1}, schemes);
  }

  void TearDown() override { sched_setaffinity(0, sizeof before_, &before_); }

  TrialState trial(ResponderCrew& crew, std::uint64_t written, std::uint64_t expected,
                   std::uint64_t window_turns) {
    workspace_->prepare(written);
    crew.load(workspace_->ranges(), expected);
    crew.open_window();
    const std::uint64_t begin = now_ns();
    for (std::uint64_t turn = 0; turn < window_turns; ++turn) asm volatile("" ::: "memory");
    const std::uint64_t end = now_ns();
    crew.close_window();
    return crew.settle({begin, end}).state;
  }

  cpu_set_t before_{};
  std::vector<int> cpus_;
  std::unique_ptr<Workspace> workspace_;
};

/// Retried, since the machine may take the CPU away in one trial: that is what states are for.
TEST_F(Responders, AreFoundPresentWhenTheyAre) {
  ResponderCrew crew({cpus_[1]});
  TrialState state = TrialState::kStalled;
  for (int i = 0; i < 1000 && state != TrialState::kOk; ++i) state = trial(crew, 7, 7, 100'000);
  EXPECT_EQ(state, TrialState::kOk);
  EXPECT_GT(crew.settle({}).samples.size(), 0U);
}

TEST_F(Responders, AWrongTagIsNotLoaded) {
  ResponderCrew crew({cpus_[1]});
  EXPECT_EQ(trial(crew, 7, 8, 100'000), TrialState::kNotLoaded);
}

/// A window that is closed right after it was opened contains no heartbeat.
TEST_F(Responders, NoBeatInTheWindowIsStalled) {
  ResponderCrew crew({cpus_[1]});
  TrialState state = TrialState::kOk;
  for (int i = 0; i < 1000 && state != TrialState::kStalled; ++i) {
    workspace_->prepare(7);
    crew.load(workspace_->ranges(), 7);
    crew.open_window();
    crew.close_window();  // nanoseconds later: less than a turn of the responder's loop
    state = crew.settle({}).state;
  }
  EXPECT_EQ(state, TrialState::kStalled);
}

/// Another thread on its CPU, and a window longer than any turn that the scheduler gives.
TEST_F(Responders, AwayForLongIsSwitched) {
  ResponderCrew crew({cpus_[1]});
  std::atomic<bool> enough{false};
  std::thread rival([&] {
    pin_to_cpu(cpus_[1]);
    while (!enough.load(std::memory_order_relaxed)) {
    }
  });
  TrialState state = TrialState::kOk;
  for (int i = 0; i < 100 && state != TrialState::kSwitched; ++i) {
    state = trial(crew, 7, 7, 50'000'000);
  }
  enough = true;
  rival.join();
  EXPECT_EQ(state, TrialState::kSwitched);
}

/// A responder begins on the initiator's CPU, which a spinning real-time thread never lets go.
TEST_F(Responders, StartUnderRealTimePriority) {
  const sched_param real_time{.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_FIFO, &real_time) != 0) GTEST_SKIP() << "not allowed";
  EXPECT_NO_THROW(ResponderCrew({cpus_[1]}));
  const sched_param usual{};
  sched_setscheduler(0, SCHED_OTHER, &usual);
}

TEST_F(Responders, ACpuThatCannotBeHadIsAnError) {
  EXPECT_THROW(ResponderCrew({cpus_[1], 100000}), Error);
}

TEST(NoResponders, AlwaysPass) {
  ResponderCrew crew({});
  crew.load({}, 1);
  crew.open_window();
  crew.close_window();
  EXPECT_EQ(crew.settle({}).state, TrialState::kOk);
}

}  // namespace
}  // namespace tlblab
