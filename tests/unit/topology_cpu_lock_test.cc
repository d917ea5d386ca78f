// SPDX-License-Identifier: GPL-2.0-only
// Holding CPUs: none twice, all or none, and free again after the end. With CPUs that no machine
// has, because other tests run on those that this one has.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "user/support/error.hh"
#include "user/topology/cpu_lock.hh"

namespace tlblab {
namespace {

/// What a second lock on `cpus` is told; empty if it gets them.
std::string refusal(const std::vector<int>& cpus) {
  try {
    const CpuLock lock(cpus);
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), ExitStatus::kMachine);
    return error.what();
  }
  return "";
}

TEST(CpuLock, IsOneRunsAtATime) {
  std::optional<CpuLock> lock(std::in_place, std::vector<int>{90001, 90002});
  EXPECT_NE(refusal({90000, 90002}).find("CPU 90002 is taken by another run"), std::string::npos);
  EXPECT_EQ(refusal({90000, 90003}), "") << "the refused one kept a CPU";
  lock.reset();
  EXPECT_EQ(refusal({90002}), "");
}

}  // namespace
}  // namespace tlblab
