// SPDX-License-Identifier: GPL-2.0-only
// Rounds: populate, load, call, close.
#include "user/oracle/round_runner.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <thread>

#include "user/oracle/planted_faults.hh"
#include "user/oracle/witness.hh"
#include "user/support/clock.hh"
#include "user/support/error.hh"
#include "user/support/interruption.hh"
#include "user/support/page_size.hh"
#include "user/topology/placement.hh"

namespace tlblab::oracle {
namespace {

/// How long one of two initiators waits at the start, in turns of an empty loop: which of them is
/// ahead, and by how much, is what faults between two depend on.
constexpr std::array<unsigned, 7> kStaggerTurns = {0,      1'000,   3'000,  10'000,
                                                   30'000, 100'000, 300'000};

void spin(unsigned turns) {
  for (unsigned i = 0; i < turns; ++i) asm volatile("" ::: "memory");
}

/// The calling thread and, with two, a second one.
class Initiators {
 public:
  Initiators(Target& target, WitnessCrew& crew, const std::vector<int>& cpus)
      : target_(target), crew_(crew), nr_(static_cast<unsigned>(cpus.size())) {
    pin_to_cpu(cpus[0]);
    if (nr_ == 1) return;
    second_ = std::thread([this, cpu = cpus[1]] { run_second(cpu); });
    ready_.wait(0, std::memory_order_acquire);
    if (failure_) {
      second_.join();
      std::rethrow_exception(failure_);
    }
  }
  ~Initiators() {
    if (!second_.joinable()) return;
    quit_.store(true, std::memory_order_relaxed);
    wake();
    second_.join();
  }
  Initiators(const Initiators&) = delete;
  Initiators& operator=(const Initiators&) = delete;

  /// Gets the second one awake: before witnesses load, so that both start at once.
  void wake() {
    if (nr_ == 1) return;
    awake_.fetch_add(1, std::memory_order_release);
    awake_.notify_one();
    while (!quit_.load(std::memory_order_relaxed) &&
           ready_.load(std::memory_order_acquire) != awake_.load(std::memory_order_relaxed) + 1) {
      std::this_thread::yield();
    }
  }

  /// Makes all calls of a round; returns when all have returned. 0 or an errno.
  int perform(unsigned round) {
    const unsigned turns = kStaggerTurns[round % kStaggerTurns.size()];
    const unsigned late = round / kStaggerTurns.size() % 2;
    late_ = late;
    turns_ = turns;
    start_.store(awake_.load(std::memory_order_relaxed), std::memory_order_release);
    if (nr_ > 1 && late == 0) spin(turns);
    const int error = call(0);
    if (nr_ == 1) return error;
    while (done_.load(std::memory_order_acquire) != awake_.load(std::memory_order_relaxed)) {
      std::this_thread::yield();
    }
    return error != 0 ? error : second_error_;
  }

 private:
  int call(unsigned which) noexcept {
    crew_.call_begins(which);
    const int error = target_.perform(which);
    crew_.call_returned(which);
    return error;
  }

  void run_second(int cpu) {
    try {
      pin_to_cpu(cpu);
    } catch (...) {
      failure_ = std::current_exception();
    }
    announce(1);
    for (std::uint32_t turn = 0; !failure_;) {
      awake_.wait(turn, std::memory_order_acquire);
      if (quit_.load(std::memory_order_relaxed)) return;
      ++turn;
      announce(turn + 1);
      while (start_.load(std::memory_order_acquire) != turn) {
        if (quit_.load(std::memory_order_relaxed)) return;
      }
      if (late_ == 1) spin(turns_);
      second_error_ = call(1);
      done_.store(turn, std::memory_order_release);
    }
  }

  void announce(std::uint32_t state) {
    ready_.store(state, std::memory_order_release);
    ready_.notify_one();
  }

  Target& target_;
  WitnessCrew& crew_;
  unsigned nr_;
  std::exception_ptr failure_;
  std::thread second_;
  std::atomic<bool> quit_{false};
  std::atomic<std::uint32_t> ready_{0};  ///< of the second: 1 started, then 1 + the turn it awaits
  std::atomic<std::uint32_t> awake_{0};  ///< turns it was woken for
  alignas(64) std::atomic<std::uint32_t> start_{0};  ///< the turn that may begin
  unsigned late_ = 0;                                ///< published by start_
  unsigned turns_ = 0;                               ///< likewise
  std::atomic<std::uint32_t> done_{0};
  int second_error_ = 0;  ///< published by done_
};

[[noreturn]] void fail(int error, bool planted) {
  if (error == EPERM && planted) {
    throw Error(ExitStatus::kMachine,
                "faults may be planted by root (CAP_SYS_ADMIN) only, and without them nothing "
                "shows that the oracle sees",
                "Run `sudo tlblab check`.");
  }
  throw Error(ExitStatus::kMachine, fmt::format("the module refused: {}", std::strerror(error)),
              error == EBUSY ? "The module refuses address spaces with MMU notifiers: run tlblab "
                               "without a library preloaded that makes some."
                             : "`tlblab info` shows what the module can here.");
}

/// Rounds until it is enough.
class RoundRunner {
 public:
  RoundRunner(Target& target, const CpuRoles& roles, const Effort& effort, CheckedCell& record)
      : target_(target),
        effort_(effort),
        record_(record),
        crew_(roles.witnesses, witnessed_pages(target.ranges(), record.load, page_bytes()),
              effort.write),
        initiators_(target, crew_, roles.initiators),
        begin_ns_(now_ns()) {}

  void run(const std::function<void()>& tick) {
    target_.scrub();  // or what a wrong scheme left would be laid to this one
    while (!is_enough()) {
      if (interrupted()) {
        throw Error(ExitStatus::kInterrupted, "interrupted", "Give the command again.");
      }
      run_round();
      tick();
    }
    record_.bad_reads = crew_.bad_reads();
  }

 private:
  [[nodiscard]] double elapsed_s() const {
    return static_cast<double>(now_ns() - begin_ns_) * 1e-9;
  }

  [[nodiscard]] bool is_enough() const {
    const CheckCounts& counts = record_.counts;
    const bool is_missing = record_.sought && record_.nr_caught() == 0;
    if (effort_.rounds > 0) {
      return counts.rounds >= effort_.rounds * (is_missing ? kFaultPatience : 1);
    }
    const double elapsed = elapsed_s();
    if (is_missing) {
      return elapsed >= std::max(kFaultPatience * effort_.seconds, kFaultPatienceSeconds);
    }
    const bool is_witnessed = record_.sought || counts.witnessed >= kLeastRounds;
    return elapsed >=
           (is_witnessed ? effort_.seconds : std::max(effort_.seconds, kWitnessPatienceSeconds));
  }

  void run_round() {
    const auto round = static_cast<unsigned>(record_.counts.rounds);
    target_.populate();
    initiators_.wake();
    crew_.load(round);
    const int error = initiators_.perform(round);
    add_round(record_.counts, crew_.close());
    if (error != 0) fail(error, record_.sought.has_value());
    if (record_.first_catch == 0 && record_.nr_caught() > 0) {
      record_.first_catch = record_.counts.rounds;
      record_.first_catch_seconds = elapsed_s();
    }
    // Each round of a fault begins anew.
    if (record_.sought.has_value()) target_.scrub();
  }

  Target& target_;
  const Effort& effort_;
  CheckedCell& record_;
  WitnessCrew crew_;
  Initiators initiators_;
  std::uint64_t begin_ns_;
};

}  // namespace

std::optional<CpuRoles> roles_for(const std::vector<int>& cpus, Load load) {
  const std::size_t nr = nr_initiators(load);
  if (cpus.size() <= nr) return std::nullopt;
  const auto first_witness = cpus.begin() + static_cast<std::ptrdiff_t>(nr);
  return CpuRoles{{cpus.begin(), first_witness}, {first_witness, cpus.end()}};
}

CheckedCell check_cell(const TargetFactory& targets, const CheckCell& cell,
                       const std::vector<int>& cpus, const Effort& effort,
                       const std::function<void()>& tick) {
  CheckedCell record;
  record.scheme = tlblab::name(cell.scheme);
  record.load = cell.load;
  if (cell.fault != 0) {
    const PlantedFault& fault = planted_fault(cell.fault);
    record.fault = fault.name;
    record.fault_meaning = fault.meaning;
    record.sought = fault.shows;
  }
  const std::optional<CpuRoles> roles = roles_for(cpus, cell.load);
  if (!roles) {
    record.counts.not_run = fmt::format("{} CPUs leave none to witness", cpus.size());
    return record;
  }
  const std::uint64_t before = effort.write ? targets.stale_writes() : 0;
  {
    const std::unique_ptr<Target> target = targets.open(cell);
    if (share_of(target->ranges(), cell.load, nr_initiators(cell.load) - 1, page_bytes()).empty()) {
      record.counts.not_run = "one page can't be parted among two";
      return record;
    }
    RoundRunner(*target, *roles, effort, record).run(tick);
  }
  if (effort.write) record.counts.stale_writes = targets.stale_writes() - before;
  return record;
}

}  // namespace tlblab::oracle
