// SPDX-License-Identifier: GPL-2.0-only
// A target without a module: pages of a memory file. Taking pages away is truncating the file,
// which clears every translation before it returns; a fault leaves something of that out.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "user/oracle/target.hh"
#include "user/support/clock.hh"
#include "user/workload/vma_layout.hh"

namespace tlblab::oracle {

/// What a call on the target does with its pages.
enum class Behaviour {
  kTruncate,             ///< takes them away: the only right one
  kLeave,                ///< nothing: they stay readable, and live
  kRelease,              ///< tags them released and leaves them
  kScribble,             ///< another user's data, and leaves them
  kReleaseThenTruncate,  ///< tags, waits a moment, takes them away
};

class FileTarget final : public Target {
 public:
  FileTarget(unsigned nr_pages, Behaviour behaviour) : behaviour_(behaviour) {
    fd_ = memfd_create("target", MFD_CLOEXEC);
    bytes_ = nr_pages * page_bytes();
    set_size(bytes_);
    base_ = static_cast<char*>(mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0));
    const auto begin = reinterpret_cast<std::uintptr_t>(base_);
    ranges_ = {{begin, begin + bytes_}};
  }
  ~FileTarget() override {
    munmap(base_, bytes_);
    close(fd_);
  }
  FileTarget(const FileTarget&) = delete;
  FileTarget& operator=(const FileTarget&) = delete;

  [[nodiscard]] const std::vector<AddressRange>& ranges() const override { return ranges_; }

  void populate() override {
    set_size(0);
    set_size(bytes_);
    for (std::size_t at = 0; at < bytes_; at += page_bytes()) {
      tlblab_tag& tag = *reinterpret_cast<tlblab_tag*>(base_ + at);
      tag.frame = at / page_bytes() + 100;
      tag.generation = ++generation_;
      store_state(at, TLBLAB_LIVE);
    }
  }

  int perform(unsigned /*initiator*/) noexcept override {
    // Two calls at once would find pages gone under their feet: one at a time.
    while (busy_.test_and_set(std::memory_order_acquire)) busy_.wait(true);
    if (behaviour_ == Behaviour::kRelease || behaviour_ == Behaviour::kReleaseThenTruncate)
      tag_all(TLBLAB_RELEASED);
    if (behaviour_ == Behaviour::kScribble) tag_all(0x5ca1ab1e);
    pause();
    if (behaviour_ == Behaviour::kTruncate || behaviour_ == Behaviour::kReleaseThenTruncate)
      set_size(0);
    busy_.clear(std::memory_order_release);
    busy_.notify_all();
    return 0;
  }

  void scrub() override {}  // a file has nothing that CPUs could keep

 private:
  void set_size(std::size_t bytes) const {
    if (ftruncate(fd_, static_cast<off_t>(bytes)) != 0) std::abort();
  }
  void store_state(std::size_t at, std::uint64_t state) const {
    std::atomic_ref(reinterpret_cast<tlblab_tag*>(base_ + at)->state)
        .store(state, std::memory_order_release);
  }
  void tag_all(std::uint64_t state) const {
    if (lseek(fd_, 0, SEEK_END) == 0) return;
    for (std::size_t at = 0; at < bytes_; at += page_bytes()) {
      tlblab_tag& tag = *reinterpret_cast<tlblab_tag*>(base_ + at);
      tag.cleared_ns = now_ns();
      tag.released_ns = now_ns();
      store_state(at, state);
    }
  }
  static std::uint64_t clock_of(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_nsec);
  }
  /// CPU time of the other threads: the witnesses', since a second initiator sleeps meanwhile.
  static std::uint64_t others_ns() {
    return clock_of(CLOCK_PROCESS_CPUTIME_ID) - clock_of(CLOCK_THREAD_CPUTIME_ID);
  }
  /// Until a witness on another CPU has read: it must have run, however busy the machine is.
  static void pause() {
    const std::uint64_t began_ns = now_ns();
    const std::uint64_t others_began_ns = others_ns();
    while (others_ns() - others_began_ns < 200'000 && now_ns() - began_ns < 2'000'000'000) {
    }
  }

  Behaviour behaviour_;
  int fd_ = -1;
  std::size_t bytes_ = 0;
  char* base_ = nullptr;
  std::vector<AddressRange> ranges_;
  std::uint64_t generation_ = 0;
  std::atomic_flag busy_;
};

/// Targets that behave as each cell asks.
class FileTargets final : public TargetFactory {
 public:
  explicit FileTargets(std::function<Behaviour(const CheckCell&)> behaviour)
      : behaviour_(std::move(behaviour)) {}
  [[nodiscard]] std::unique_ptr<Target> open(const CheckCell& cell) const override {
    return std::make_unique<FileTarget>(2, behaviour_(cell));
  }
  [[nodiscard]] std::uint64_t stale_writes() const override { return 0; }

 private:
  std::function<Behaviour(const CheckCell&)> behaviour_;
};

}  // namespace tlblab::oracle
