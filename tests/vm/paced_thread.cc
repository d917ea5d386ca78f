// SPDX-License-Identifier: GPL-2.0-only
// The thread's loop, and waiting for it and for the kernel's words.
#include "tests/vm/paced_thread.hh"

#include <sched.h>

#include <chrono>

#include "tests/vm/reach.hh"

namespace tlblab::vm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kAll = ~std::uint32_t{0};

Reached read_state(std::uint64_t page) {
  std::uint64_t state = 0;
  const bool reached =
      reach([&] { state = reinterpret_cast<const volatile tlblab_tag*>(page)->state; });
  if (!reached) return Reached::kGone;
  switch (state) {
    case TLBLAB_LIVE:
      return Reached::kLive;
    case TLBLAB_RELEASED:
      return Reached::kReleased;
    default:
      return Reached::kOther;
  }
}

/// Sleeps meanwhile: others spin already, and under emulation the host's CPUs are fewer.
template <class Condition>
bool wait_until(std::uint64_t patience_ns, Condition condition) {
  const Clock::time_point end = Clock::now() + std::chrono::nanoseconds(patience_ns);
  while (!condition()) {
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
  return true;
}

}  // namespace

PacedThread::PacedThread(int cpu) : thread_([this, cpu] { run(cpu); }) {}

PacedThread::~PacedThread() {
  finish_call();
  tell(Command::kEnd);
  thread_.join();
}

void PacedThread::run(int cpu) {
  pin_to_cpu(cpu);
  for (;;) {
    const Command command = command_;
    if (command == Command::kEnd) return;
    if (command == Command::kRest) command_.wait(command);
    if (command == Command::kRead) reached_ = read_state(page_);
    if (command == Command::kCall) error_ = arena_->perform(request_, *ranges_);
    if (command == Command::kRead || command == Command::kCall) command_ = Command::kNone;
  }
}

void PacedThread::tell(Command command) {
  command_ = command;
  command_.notify_one();
}

bool PacedThread::is_done() const {
  return command_ == Command::kNone || command_ == Command::kRest;
}

Reached PacedThread::read(std::uint64_t page) {
  page_ = page;
  tell(Command::kRead);
  const bool came = wait_until(kPatienceNs, [this] { return is_done(); });
  return came ? reached_ : Reached::kNoAnswer;
}

void PacedThread::begin_call(const Arena& arena, const tlblab_request& request,
                             const std::vector<tlblab_range>& ranges, std::uint32_t limit_ms) {
  arena_ = &arena;
  ranges_ = &ranges;
  request_ = request;
  request_.pace = reinterpret_cast<std::uint64_t>(&pace_);
  pace_ = {};
  pace_.limit_ms = limit_ms;
  nr_allowed_ = 0;
  tell(Command::kCall);
}

bool PacedThread::wait(std::uint64_t patience_ns) const {
  return wait_until(patience_ns, [this] {
    return is_done() || __atomic_load_n(&pace_.stopped, __ATOMIC_ACQUIRE) == nr_allowed_ + 1;
  });
}

bool PacedThread::wait_for_return(std::uint64_t patience_ns) const {
  return wait_until(patience_ns, [this] { return is_done(); });
}

void PacedThread::allow_step() {
  __atomic_store_n(&pace_.allowed, ++nr_allowed_, __ATOMIC_RELEASE);
}

int PacedThread::finish_call() {
  __atomic_store_n(&pace_.allowed, kAll, __ATOMIC_RELEASE);
  while (!is_done()) sched_yield();
  return error_;
}

void PacedThread::rest() {
  finish_call();
  command_ = Command::kRest;
}

}  // namespace tlblab::vm
