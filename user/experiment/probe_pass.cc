// SPDX-License-Identifier: GPL-2.0-only
// Sizes, blocks and rounds of the probe pass.
#include "user/experiment/probe_pass.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "user/statistics/series.hh"
#include "user/support/clock.hh"
#include "user/support/interruption.hh"
#include "user/support/page_size.hh"

namespace tlblab {
namespace {

/// Pages of a working set: about a first-level TLB, about a small and a large second-level one.
constexpr std::array<std::size_t, 3> kSizes = {64, 512, 2048};
/// Of all victims' working sets, in whichever process; larger sets are left out where there are too
/// many victims.
constexpr std::size_t kMostBytes = std::size_t{2} << 30;
/// What a size should take; the rounds of a block are chosen for it. Slow operations get one round
/// a block, and are given up after kMostSeconds with the blocks that there are.
constexpr double kWantedSeconds = 0.5;
constexpr double kMostSeconds = 2;
constexpr std::size_t kMostRounds = 5;
/// A quarter more than an interval needs: some lose a trial that is set apart.
constexpr std::size_t kBlocks = statistics::kMinBlocks * 5 / 4;

/// Rounds for each turn of the counters.
constexpr std::size_t kCountedRounds = 8;

struct Kind {
  Arm arm;
  bool operated;
};

class SizeProbe {
 public:
  SizeProbe(TrialRunner& trials, const CellJob& job, std::size_t nr_pages)
      : trials_(trials), nr_pages_(nr_pages) {
    std::seed_seq mix{job.seed, job.seed >> 32U, std::uint64_t{job.cell_index},
                      std::uint64_t{job.session}, std::uint64_t{nr_pages}};
    random_.seed(mix);
    trials_.arrange_probe(nr_pages, random_());
  }

  bool run(counters::CounterSet* counters,
           const std::function<void(const records::ProbeTrial&)>& add,
           const std::function<void()>& end_block) {
    const auto drop = [](const records::ProbeTrial&) {};
    round(0, nullptr, drop);  // first touches
    const std::uint64_t begin = now_ns();
    round(0, nullptr, drop);
    const double round_s = seconds_since(begin);
    const double wanted = kWantedSeconds / static_cast<double>(kBlocks) / round_s;
    const auto nr_rounds = static_cast<std::size_t>(std::clamp(wanted, 1.0, double{kMostRounds}));
    for (std::uint32_t block = 0; block < kBlocks; ++block) {
      if (seconds_since(begin) > kMostSeconds) break;
      for (std::size_t i = 0; i < nr_rounds; ++i) {
        if (interrupted()) return false;
        round(block, nullptr, add);
      }
      end_block();
    }
    if (counters == nullptr) return true;
    for (std::size_t turn = 0; turn < counters->nr_turns(); ++turn) {
      counters->take_turn(turn);
      for (std::size_t i = 0; i < kCountedRounds; ++i) {
        if (interrupted()) return false;
        round(kBlocks, counters, add);
      }
    }
    end_block();
    return true;
  }

 private:
  static double seconds_since(std::uint64_t begin) {
    return static_cast<double>(now_ns() - begin) / 1e9;
  }

  void round(std::uint32_t block, counters::CounterSet* counters,
             const std::function<void(const records::ProbeTrial&)>& add) {
    std::array<Kind, 4> kinds = {
        {{Arm::kA, true}, {Arm::kA, false}, {Arm::kB, true}, {Arm::kB, false}}};
    std::shuffle(kinds.begin(), kinds.end(), random_);
    for (const Kind& kind : kinds) {
      records::ProbeTrial trial = trials_.probe(kind.arm, kind.operated, counters);
      trial.nr_pages = static_cast<std::uint32_t>(nr_pages_);
      trial.block = block;
      add(trial);
    }
  }

  TrialRunner& trials_;
  std::size_t nr_pages_;
  std::mt19937_64 random_;
};

}  // namespace

bool run_probe_pass(TrialRunner& trials, const CellJob& job, counters::CounterSet* counters,
                    const std::function<void(const records::ProbeTrial&)>& add,
                    const std::function<void()>& end_block) {
  const std::size_t nr_victims = std::size_t{1} + job.cell.nr_responders + job.cell.nr_bystanders;
  std::vector<std::size_t> sizes;
  for (const std::size_t size : kSizes) {
    if (nr_victims * size * page_bytes() <= kMostBytes) sizes.push_back(size);
  }
  if (sizes.empty()) return true;
  trials.open_probe(sizes.back());
  return std::all_of(sizes.begin(), sizes.end(), [&](std::size_t size) {
    return SizeProbe(trials, job, size).run(counters, add, end_block);
  });
}

}  // namespace tlblab
