// SPDX-License-Identifier: GPL-2.0-only
// The witnesses' loop, and how it survives pages that go away under it.
//
// A page whose translation is gone raises SIGBUS in the thread that reads it. The handler jumps
// back into that thread's turn, which goes on with the next page. What the turn needs after the
// jump is in members that are written before each read, with a compiler fence between.
#include "user/oracle/witness.hh"

#include <algorithm>
#include <csetjmp>
#include <csignal>
#include <cstddef>
#include <exception>
#include <thread>

#include "include/tlblab/abi.h"
#include "user/support/clock.hh"
#include "user/support/error.hh"
#include "user/topology/placement.hh"
#include "user/workload/patience.hh"

namespace tlblab::oracle {
namespace {

thread_local sigjmp_buf* volatile t_escape = nullptr;

void on_sigbus(int /*signal*/) {
  if (t_escape != nullptr) siglongjmp(*t_escape, 1);
  // Not a witness's read: let it end the process as it would have.
  std::signal(SIGBUS, SIG_DFL);
}

/// SA_NODEFER and an empty mask: the jump out needs no system call to restore the mask.
void catch_sigbus() {
  struct sigaction action {};
  action.sa_handler = on_sigbus;
  action.sa_flags = SA_NODEFER;
  sigaction(SIGBUS, &action, nullptr);
}

/// What --write leaves in a guard.
constexpr std::uint64_t kWitnessMark = 0x7769746e65737321;

/// One 64-bit field of the tag at `address`.
template <std::size_t kOffset>
std::uint64_t read_field(std::uintptr_t address) {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const auto value = *reinterpret_cast<const volatile std::uint64_t*>(address + kOffset);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return value;
}

}  // namespace

/// What initiators tell witnesses. Written a few times per round.
struct WitnessCrew::RoundState {
  std::vector<WitnessedPage> pages;
  bool write = false;

  alignas(64) std::atomic<std::uint32_t> round{0};  ///< witnesses sleep on it
  std::atomic<bool> quit{false};
  unsigned round_number = 0;  ///< published by `round`

  alignas(64) std::atomic<std::uint32_t> begun{0};  ///< mask of initiators
  std::atomic<std::uint32_t> returned{0};           ///< likewise
  std::array<std::atomic<std::uint64_t>, kMostInitiators> returned_ns{};
  std::atomic<bool> closing{false};
};

class WitnessCrew::Witness {
 public:
  Witness(int cpu, RoundState& shared) : shared_(shared), cpu_(cpu), pages_(shared.pages.size()) {
    thread_ = std::thread([this] { run(); });
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] int cpu() const { return cpu_; }
  [[nodiscard]] bool is_ready() const { return ready_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t turns() const { return turns_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t done() const { return done_.load(std::memory_order_acquire); }
  /// Once is_ready().
  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }
  /// Once done() is this round.
  [[nodiscard]] const WitnessReport& report() const { return report_; }
  [[nodiscard]] const std::vector<BadRead>& bad_reads() const { return bad_reads_; }

 private:
  struct Page {
    bool loaded = false;
    bool gone = false;
    bool noted = false;  ///< a bad read of it is kept already
  };

  void run() {
    try {
      pin_to_cpu(cpu_);
      bad_reads_.reserve(kKeptBadReads);
    } catch (...) {
      failure_ = std::current_exception();
    }
    ready_.store(true, std::memory_order_release);
    for (std::uint32_t seen = 0; !failure_;) {
      shared_.round.wait(seen, std::memory_order_acquire);
      if (shared_.quit.load(std::memory_order_relaxed)) return;
      seen = shared_.round.load(std::memory_order_acquire);
      witness_round();
      done_.store(seen, std::memory_order_release);
    }
  }

  void witness_round() {
    report_ = {};
    report_.cpu = cpu_;
    ran_during_ = 0;
    std::fill(pages_.begin(), pages_.end(), Page{});
    load();
    for (bool last = false; !last;) {
      turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      last = shared_.closing.load(std::memory_order_acquire);
      turn();
    }
    report_.ran = std::all_of(
        shared_.pages.begin(), shared_.pages.end(),
        [&](const WitnessedPage& page) { return (page.covered_by & ran_during_) != 0; });
  }

  /// The first turn, before any call begins.
  void load() {
    turn();
    report_.loaded =
        std::all_of(pages_.begin(), pages_.end(), [](const Page& page) { return page.loaded; });
  }

  void turn() {
    at_ = 0;
    t_escape = &escape_;
    if (sigsetjmp(escape_, 0) != 0) page_is_gone();
    for (; at_ < pages_.size(); ++at_) {
      if (!pages_[at_].gone) read_page();
    }
    t_escape = nullptr;
  }

  /// After the jump out of read_page().
  void page_is_gone() {
    if (!is_counted_) count_read();
    pages_[at_].gone = true;
    ++at_;
  }

  void count_read() {
    const WitnessedPage& page = shared_.pages[at_];
    is_counted_ = true;
    is_eligible_ = pages_[at_].loaded && (begun_ & page.covered_by) != 0;
    if (!is_eligible_) return;
    ++report_.eligible_reads;
    ran_during_ |= begun_ & ~returned_ & page.covered_by;
  }

  void read_page() {
    const std::uintptr_t address = shared_.pages[at_].address;
    is_counted_ = false;
    // Before the read: what is set now was set when the read began.
    begun_ = shared_.begun.load(std::memory_order_acquire);
    returned_ = shared_.returned.load(std::memory_order_acquire);
    const std::uint64_t state = read_field<offsetof(tlblab_tag, state)>(address);
    count_read();
    const bool returned = (returned_ & shared_.pages[at_].covered_by) != 0;
    if (state == TLBLAB_RELEASED) {
      note(Observation::kReleased);
    } else if (state != TLBLAB_LIVE) {
      note(Observation::kForeign);
    } else if (returned) {
      note(Observation::kAfterReturn);
    }
    // A page is loaded in the first turn, when no call has begun, or not at all.
    if (state == TLBLAB_LIVE && begun_ == 0) pages_[at_].loaded = true;
    if (shared_.write && state == TLBLAB_LIVE) {
      *reinterpret_cast<volatile std::uint64_t*>(address + offsetof(tlblab_tag, guard)) =
          kWitnessMark;
    }
  }

  void note(Observation observation) {
    ++report_.reads[static_cast<std::size_t>(observation)];
    // What it saw tells that the call had begun by then, though not yet when this read began.
    if (!is_eligible_ && pages_[at_].loaded) ++report_.eligible_reads;
    if (pages_[at_].noted || bad_reads_.size() == kKeptBadReads) return;
    pages_[at_].noted = true;
    const WitnessedPage& page = shared_.pages[at_];
    // Kept first, then filled: the rest of the tag may be gone already.
    BadRead& bad_read = bad_reads_.emplace_back();
    bad_read.observation = observation;
    bad_read.cpu = cpu_;
    bad_read.round = shared_.round_number;
    bad_read.address = page.address;
    bad_read.seen_ns = now_ns();
    bad_read.returned_ns = first_return_ns(page.covered_by);
    bad_read.frame = read_field<offsetof(tlblab_tag, frame)>(page.address);
    bad_read.generation = read_field<offsetof(tlblab_tag, generation)>(page.address);
    bad_read.cleared_ns = read_field<offsetof(tlblab_tag, cleared_ns)>(page.address);
    bad_read.released_ns = read_field<offsetof(tlblab_tag, released_ns)>(page.address);
  }

  [[nodiscard]] std::uint64_t first_return_ns(std::uint32_t covered_by) const {
    std::uint64_t first = 0;
    const std::uint32_t returned = returned_ & covered_by;
    for (unsigned i = 0; i < kMostInitiators; ++i) {
      if ((returned >> i & 1) == 0) continue;
      const std::uint64_t at = shared_.returned_ns[i].load(std::memory_order_relaxed);
      if (first == 0 || at < first) first = at;
    }
    return first;
  }

  RoundState& shared_;
  int cpu_;
  std::exception_ptr failure_;
  std::vector<Page> pages_;
  WitnessReport report_;
  std::vector<BadRead> bad_reads_;
  sigjmp_buf escape_{};
  std::size_t at_ = 0;
  bool is_counted_ = false;
  bool is_eligible_ = false;  ///< the read that was counted last
  std::uint32_t begun_ = 0;
  std::uint32_t returned_ = 0;
  std::uint32_t ran_during_ = 0;

  alignas(64) std::atomic<bool> ready_{false};
  std::atomic<std::uint64_t> turns_{0};
  std::atomic<std::uint32_t> done_{0};
  std::thread thread_;
};

namespace {

template <typename Ready>
void wait_until(int cpu, const char* what, Ready&& ready) {
  const std::uint64_t begin = now_ns();
  while (!ready()) {
    std::this_thread::yield();
    if (now_ns() - begin > kPatienceNs) throw no_answer("witness", cpu, what);
  }
}

}  // namespace

WitnessCrew::WitnessCrew(const std::vector<int>& cpus, std::vector<WitnessedPage> pages, bool write)
    : shared_(std::make_unique<RoundState>()) {
  catch_sigbus();
  shared_->pages = std::move(pages);
  shared_->write = write;
  try {
    for (const int cpu : cpus) witnesses_.push_back(std::make_unique<Witness>(cpu, *shared_));
    for (const auto& witness : witnesses_) {
      wait_until(witness->cpu(), "started", [&] { return witness->is_ready(); });
      witness->rethrow_failure();
    }
  } catch (...) {
    stop();
    throw;
  }
}

WitnessCrew::~WitnessCrew() { stop(); }

void WitnessCrew::stop() noexcept {
  shared_->quit.store(true, std::memory_order_relaxed);
  shared_->closing.store(true, std::memory_order_release);
  shared_->round.fetch_add(1, std::memory_order_release);
  shared_->round.notify_all();
  for (const auto& witness : witnesses_) witness->join();
}

void WitnessCrew::load(unsigned round) {
  shared_->begun.store(0, std::memory_order_relaxed);
  shared_->returned.store(0, std::memory_order_relaxed);
  shared_->closing.store(false, std::memory_order_relaxed);
  shared_->round_number = round;
  std::vector<std::uint64_t> turns;
  turns.reserve(witnesses_.size());
  for (const auto& witness : witnesses_) turns.push_back(witness->turns());
  shared_->round.fetch_add(1, std::memory_order_release);
  shared_->round.notify_all();
  for (std::size_t i = 0; i < witnesses_.size(); ++i) {
    wait_until(witnesses_[i]->cpu(), "loaded the round's pages",
               [&] { return witnesses_[i]->turns() >= turns[i] + 2; });
  }
}

void WitnessCrew::call_begins(unsigned initiator) noexcept {
  shared_->begun.fetch_or(std::uint32_t{1} << initiator, std::memory_order_seq_cst);
}

void WitnessCrew::call_returned(unsigned initiator) noexcept {
  shared_->returned_ns[initiator].store(now_ns(), std::memory_order_relaxed);
  shared_->returned.fetch_or(std::uint32_t{1} << initiator, std::memory_order_seq_cst);
}

const std::vector<WitnessReport>& WitnessCrew::close() {
  shared_->closing.store(true, std::memory_order_release);
  const std::uint32_t round = shared_->round.load(std::memory_order_relaxed);
  reports_.clear();
  for (const auto& witness : witnesses_) {
    wait_until(witness->cpu(), "ended the round", [&] { return witness->done() == round; });
    reports_.push_back(witness->report());
  }
  return reports_;
}

std::vector<BadRead> WitnessCrew::bad_reads() const {
  std::vector<BadRead> all;
  for (const auto& witness : witnesses_) {
    all.insert(all.end(), witness->bad_reads().begin(), witness->bad_reads().end());
  }
  return all;
}

}  // namespace tlblab::oracle
