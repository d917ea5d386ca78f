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

#include "user/support/clock.hh"
#include "user/support/error.hh"
#include "user/topology/placement.hh"
#include "user/workload/responders.hh"

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

constexpr std::size_t index_of(Sight sight) { return static_cast<std::size_t>(sight); }

/// One 64-bit field of the tag at `address`.
template <std::size_t kOffset>
std::uint64_t read_field(std::uintptr_t address) {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const auto value = *reinterpret_cast<const volatile std::uint64_t*>(address + kOffset);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return value;
}

}  // namespace

std::string_view name(Sight sight) {
  switch (sight) {
    case Sight::kReleased:
      return "released frame";
    case Sight::kForeign:
      return "foreign data";
    case Sight::kAfterReturn:
      return "read after return";
  }
  return "";
}

/// What initiators tell witnesses. Written a few times per round.
struct WitnessCrew::Board {
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
  Witness(int cpu, Board& board) : board_(board), cpu_(cpu), pages_(board.pages.size()) {
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
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }

 private:
  struct Page {
    bool loaded = false;
    bool gone = false;
    bool noted = false;  ///< a finding tells of it already
  };

  void run() {
    try {
      pin_to_cpu(cpu_);
      findings_.reserve(kKeptFindings);
    } catch (...) {
      failure_ = std::current_exception();
    }
    ready_.store(true, std::memory_order_release);
    for (std::uint32_t seen = 0; !failure_;) {
      board_.round.wait(seen, std::memory_order_acquire);
      if (board_.quit.load(std::memory_order_relaxed)) return;
      seen = board_.round.load(std::memory_order_acquire);
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
      last = board_.closing.load(std::memory_order_acquire);
      turn();
    }
    report_.ran = std::all_of(
        board_.pages.begin(), board_.pages.end(),
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
    const WitnessedPage& page = board_.pages[at_];
    is_counted_ = true;
    if (!pages_[at_].loaded || (begun_ & page.covered_by) == 0) return;
    ++report_.eligible_reads;
    ran_during_ |= begun_ & ~returned_ & page.covered_by;
  }

  void read_page() {
    const std::uintptr_t address = board_.pages[at_].address;
    is_counted_ = false;
    // Before the read: what is set now was set when the read began.
    begun_ = board_.begun.load(std::memory_order_acquire);
    returned_ = board_.returned.load(std::memory_order_acquire);
    const std::uint64_t state = read_field<offsetof(tlblab_tag, state)>(address);
    count_read();
    const bool returned = (returned_ & board_.pages[at_].covered_by) != 0;
    if (state == TLBLAB_RELEASED) {
      note(Sight::kReleased);
    } else if (state != TLBLAB_LIVE) {
      note(Sight::kForeign);
    } else if (returned) {
      note(Sight::kAfterReturn);
    }
    // A page is loaded in the first turn, when no call has begun, or not at all.
    if (state == TLBLAB_LIVE && begun_ == 0) pages_[at_].loaded = true;
    if (board_.write && state == TLBLAB_LIVE) {
      *reinterpret_cast<volatile std::uint64_t*>(address + offsetof(tlblab_tag, guard)) =
          kWitnessMark;
    }
  }

  void note(Sight sight) {
    ++report_.reads[index_of(sight)];
    if (pages_[at_].noted || findings_.size() == kKeptFindings) return;
    pages_[at_].noted = true;
    const WitnessedPage& page = board_.pages[at_];
    // Kept first, then filled: the rest of the tag may be gone already.
    Finding& finding = findings_.emplace_back();
    finding.sight = sight;
    finding.cpu = cpu_;
    finding.round = board_.round_number;
    finding.address = page.address;
    finding.seen_ns = now_ns();
    finding.returned_ns = first_return_ns(page.covered_by);
    finding.tag.frame = read_field<offsetof(tlblab_tag, frame)>(page.address);
    finding.tag.generation = read_field<offsetof(tlblab_tag, generation)>(page.address);
    finding.tag.cleared_ns = read_field<offsetof(tlblab_tag, cleared_ns)>(page.address);
    finding.tag.released_ns = read_field<offsetof(tlblab_tag, released_ns)>(page.address);
  }

  [[nodiscard]] std::uint64_t first_return_ns(std::uint32_t covered_by) const {
    std::uint64_t first = 0;
    const std::uint32_t returned = returned_ & covered_by;
    for (unsigned i = 0; i < kMostInitiators; ++i) {
      if ((returned >> i & 1) == 0) continue;
      const std::uint64_t at = board_.returned_ns[i].load(std::memory_order_relaxed);
      if (first == 0 || at < first) first = at;
    }
    return first;
  }

  Board& board_;
  int cpu_;
  std::exception_ptr failure_;
  std::vector<Page> pages_;
  WitnessReport report_;
  std::vector<Finding> findings_;
  sigjmp_buf escape_{};
  std::size_t at_ = 0;
  bool is_counted_ = false;
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
    : board_(std::make_unique<Board>()) {
  catch_sigbus();
  board_->pages = std::move(pages);
  board_->write = write;
  try {
    for (const int cpu : cpus) witnesses_.push_back(std::make_unique<Witness>(cpu, *board_));
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
  board_->quit.store(true, std::memory_order_relaxed);
  board_->closing.store(true, std::memory_order_release);
  board_->round.fetch_add(1, std::memory_order_release);
  board_->round.notify_all();
  for (const auto& witness : witnesses_) witness->join();
}

void WitnessCrew::load(unsigned round) {
  board_->begun.store(0, std::memory_order_relaxed);
  board_->returned.store(0, std::memory_order_relaxed);
  board_->closing.store(false, std::memory_order_relaxed);
  board_->round_number = round;
  std::vector<std::uint64_t> turns;
  turns.reserve(witnesses_.size());
  for (const auto& witness : witnesses_) turns.push_back(witness->turns());
  board_->round.fetch_add(1, std::memory_order_release);
  board_->round.notify_all();
  for (std::size_t i = 0; i < witnesses_.size(); ++i) {
    wait_until(witnesses_[i]->cpu(), "loaded the round's pages",
               [&] { return witnesses_[i]->turns() >= turns[i] + 2; });
  }
}

void WitnessCrew::call_begins(unsigned initiator) noexcept {
  board_->begun.fetch_or(std::uint32_t{1} << initiator, std::memory_order_seq_cst);
}

void WitnessCrew::call_returned(unsigned initiator) noexcept {
  board_->returned_ns[initiator].store(now_ns(), std::memory_order_relaxed);
  board_->returned.fetch_or(std::uint32_t{1} << initiator, std::memory_order_seq_cst);
}

const std::vector<WitnessReport>& WitnessCrew::close() {
  board_->closing.store(true, std::memory_order_release);
  const std::uint32_t round = board_->round.load(std::memory_order_relaxed);
  reports_.clear();
  for (const auto& witness : witnesses_) {
    wait_until(witness->cpu(), "ended the round", [&] { return witness->done() == round; });
    reports_.push_back(witness->report());
  }
  return reports_;
}

std::vector<Finding> WitnessCrew::findings() const {
  std::vector<Finding> all;
  for (const auto& witness : witnesses_) {
    all.insert(all.end(), witness->findings().begin(), witness->findings().end());
  }
  return all;
}

}  // namespace tlblab::oracle
