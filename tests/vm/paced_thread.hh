// SPDX-License-Identifier: GPL-2.0-only
// A thread pinned to a CPU that takes one command at a time: read a page, or make a paced call. In
// between it spins, so that its CPU keeps its TLB entries.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "tests/vm/lab.hh"

namespace tlblab::vm {

/// The outcome of reading a page.
enum class Reached {
  kGone,      ///< SIGBUS
  kLive,      ///< the tag of a frame in use
  kReleased,  ///< the tag of a released frame
  kOther,     ///< no tag
  kNoAnswer,  ///< the thread did not answer in time
};

class PacedThread {
 public:
  /// How long to wait for it: less than a paced operation's default limit.
  static constexpr std::uint64_t kPatienceNs = 4'000'000'000;

  explicit PacedThread(int cpu);
  /// Lets its call run to its end.
  ~PacedThread();
  PacedThread(const PacedThread&) = delete;
  PacedThread& operator=(const PacedThread&) = delete;

  Reached read(std::uint64_t page);

  /// Begins a call, which stops before its first step. `arena` and `ranges` outlive it. `limit_ms`:
  /// of struct tlblab_pace; the longest, which a busy host may need, is for VMAs that have their
  /// page tables to themselves, as Shape's have.
  void begin_call(const Arena& arena, const tlblab_request& request,
                  const std::vector<tlblab_range>& ranges,
                  std::uint32_t limit_ms = TLBLAB_MAX_PACE_MS);
  /// Waits until the call stands before a step, or has returned; false if neither comes about.
  [[nodiscard]] bool wait(std::uint64_t patience_ns = kPatienceNs) const;
  /// Of a call that was waited for: whether it has returned.
  [[nodiscard]] bool returned() const { return is_done(); }
  /// Waits until the call has returned without being allowed to; false if it does not.
  [[nodiscard]] bool wait_for_return(std::uint64_t patience_ns) const;
  /// The step before which it stands: enum tlblab_step, and what it is about.
  [[nodiscard]] std::uint32_t step() const { return pace_.step; }
  [[nodiscard]] std::uint64_t subject() const { return pace_.subject; }
  /// Lets the step be taken. Doesn't wait.
  void allow_step();
  /// Lets the call run to its end and waits for that. Returns its errno.
  int finish_call();
  [[nodiscard]] const tlblab_account& account() const { return request_.account; }

  /// Lets the call run to its end; then the thread sleeps until the next command.
  void rest();

 private:
  enum class Command { kNone, kRest, kRead, kCall, kEnd };

  void run(int cpu);
  void tell(Command command);
  [[nodiscard]] bool is_done() const;

  alignas(64) tlblab_pace pace_{};
  std::atomic<Command> command_{Command::kRest};
  std::uint64_t page_ = 0;
  Reached reached_ = Reached::kNoAnswer;
  const Arena* arena_ = nullptr;
  const std::vector<tlblab_range>* ranges_ = nullptr;
  tlblab_request request_{};
  int error_ = 0;
  std::uint32_t nr_allowed_ = 0;
  std::thread thread_;
};

}  // namespace tlblab::vm
