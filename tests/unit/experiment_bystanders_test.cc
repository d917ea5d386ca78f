// SPDX-License-Identifier: GPL-2.0-only
// Victims in another process: they walk when asked, and each way to fail ends in an error.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <functional>
#include <string>

#include "user/experiment/bystanders.hh"
#include "user/experiment/trial_runner.hh"
#include "user/support/clock.hh"
#include "user/support/error.hh"
#include "user/topology/placement.hh"
#include "user/workload/patience.hh"

namespace tlblab {
namespace {

class BystandersProbe : public testing::Test {
 protected:
  void SetUp() override {
    sched_getaffinity(0, sizeof before_, &before_);
    cpus_ = allowed_cpus();
    if (cpus_.size() < 2) GTEST_SKIP() << "one CPU: no bystander";
    pin_to_cpu(cpus_[0]);
  }
  void TearDown() override { sched_setaffinity(0, sizeof before_, &before_); }

  static std::string message_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  static void expect_in(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }

  cpu_set_t before_{};
  std::vector<int> cpus_;
};

std::size_t resident_pages(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  file >> size >> resident;
  return resident;
}

TEST_F(BystandersProbe, WalkASetOfTheirOwnInTheirProcess) {
  Bystanders bystanders({cpus_[1]});
  ASSERT_NE(bystanders.pid(), getpid());
  const std::size_t before = resident_pages(bystanders.pid());
  ASSERT_GT(before, 0U);
  bystanders.open_probe(2048);
  EXPECT_GE(resident_pages(bystanders.pid()), before + 2048);
  for (const std::size_t nr_pages : {64U, 2048U}) {
    bystanders.arrange_probe(nr_pages, 7);
    for (int trial = 0; trial < 3; ++trial) {
      bystanders.warm_up();
      const std::uint64_t begin = now_ns();
      bystanders.start_walks();
      const std::vector<std::uint64_t> walks = bystanders.finish_walks();
      ASSERT_EQ(walks.size(), 1U);
      EXPECT_GT(walks[0], 0U);
      EXPECT_LE(walks[0], now_ns() - begin) << "the walk that was asked for lies between the two";
    }
  }
}

TEST_F(BystandersProbe, NobodyWalksWhereThereIsNone) {
  Bystanders nobody({});
  nobody.open_probe(64);
  nobody.arrange_probe(64, 1);
  nobody.warm_up();
  nobody.start_walks();
  EXPECT_TRUE(nobody.finish_walks().empty());
}

TEST_F(BystandersProbe, OneThatDiedIsAnErrorAtOnce) {
  Bystanders bystanders({cpus_[1]});
  bystanders.open_probe(64);
  bystanders.arrange_probe(64, 1);
  bystanders.warm_up();
  kill(bystanders.pid(), SIGKILL);
  bystanders.start_walks();
  expect_in(message_of([&] { bystanders.finish_walks(); }), "has ended");
  expect_in(message_of([&] { bystanders.warm_up(); }), "has ended");
}

TEST_F(BystandersProbe, OneThatNeverWalksIsAnErrorAndNoHang) {
  Bystanders bystanders({cpus_[1]});
  bystanders.open_probe(64);
  bystanders.arrange_probe(64, 1);
  kill(bystanders.pid(), SIGSTOP);
  ASSERT_EQ(waitpid(bystanders.pid(), nullptr, WUNTRACED), bystanders.pid());  // all its threads
  bystanders.start_walks();
  const std::string message = message_of([&] { bystanders.finish_walks(); });
  expect_in(message, "the bystander on CPU " + std::to_string(cpus_[1]) + " has not walked");
}

/// More than any address space: the process says why and ends.
TEST_F(BystandersProbe, ASetThatCannotBeHadIsAnError) {
  Bystanders bystanders({cpus_[1]});
  expect_in(message_of([&] { bystanders.open_probe(std::size_t{1} << 48); }), "has ended");
}

TEST_F(BystandersProbe, EndWithTheCaller) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // so that the orphan is ours to wait for
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t caller = fork();
  if (caller == 0) {
    const Bystanders bystanders({cpus_[1]});
    const pid_t pid = bystanders.pid();
    if (write(ends[1], &pid, sizeof pid) != sizeof pid) _exit(1);
    while (true) pause();
  }
  pid_t orphan = 0;
  ASSERT_EQ(read(ends[0], &orphan, sizeof orphan), static_cast<ssize_t>(sizeof orphan));
  kill(caller, SIGKILL);
  ASSERT_EQ(waitpid(caller, nullptr, 0), caller);
  const std::uint64_t begin = now_ns();
  pid_t ended = 0;
  while (ended == 0 && now_ns() - begin < kPatienceNs) {
    sched_yield();
    ended = waitpid(orphan, nullptr, WNOHANG);
  }
  EXPECT_EQ(ended, orphan);
  if (ended != orphan) kill(orphan, SIGKILL);
  for (const int end : ends) close(end);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_F(BystandersProbe, ATrialHasTheirWalksBesideTheOthers) {
  CellPlan cell;
  cell.id = "x";
  cell.a = "munmap:per-vma";
  cell.b = "munmap:merged";
  cell.shape = {4, 1, 1};
  cell.nr_bystanders = 1;
  TrialRunner trials(cell, cpus_);
  trials.open_probe(64);
  trials.arrange_probe(64, 1);
  for (const bool operated : {true, false}) {
    const records::ProbeTrial trial = trials.probe(Arm::kA, operated, nullptr);
    EXPECT_GT(trial.initiator_ns, 0U);
    EXPECT_TRUE(trial.responders_ns.empty());
    ASSERT_EQ(trial.bystanders_ns.size(), 1U);
    EXPECT_GT(trial.bystanders_ns[0], 0U);
  }
  EXPECT_THROW(TrialRunner(cell, {cpus_[0]}), Error) << "no CPU for the bystander";
}

}  // namespace
}  // namespace tlblab
