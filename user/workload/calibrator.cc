// SPDX-License-Identifier: GPL-2.0-only
// One IPI round trip, by membarrier.
#include "user/workload/calibrator.hh"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "user/statistics/blocks.hh"
#include "user/support/clock.hh"

namespace tlblab {
namespace {

/// Odd, so that the median is a measured value; few, so that it costs a block under 1 %.
constexpr std::size_t kRounds = 9;

bool membarrier(int command) { return syscall(SYS_membarrier, command, 0, 0) == 0; }

}  // namespace

Calibrator::Calibrator() : available_(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)) {}

std::uint64_t Calibrator::measure_ns() const {
  if (!available_) return 0;
  std::array<double, kRounds> rounds{};
  for (double& round : rounds) {
    const std::uint64_t begin = now_ns();
    membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    round = static_cast<double>(now_ns() - begin);
  }
  return static_cast<std::uint64_t>(statistics::median_in_place(rounds));
}

}  // namespace tlblab
