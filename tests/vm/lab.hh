// SPDX-License-Identifier: GPL-2.0-only
// The module as guest tests use it: arenas, VMAs, requests, the frames' books, other CPUs.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <tlblab/catalogue.hh>
#include <vector>

namespace tlblab::vm {

/// The kernel's base page; the entries of one leaf page table, which fills a page; and the address
/// space that it maps: 2 MiB with pages of 4 KiB, 32 MiB with 16 KiB.
inline const std::uint64_t kPage = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
inline const std::uint64_t kEntriesPerTable = kPage / sizeof(std::uint64_t);
inline const std::uint64_t kTableBytes = kEntriesPerTable * kPage;

/// The struct with its size set and the rest 0.
template <class T>
T sized() {
  T argument{};
  argument.size = sizeof(T);
  return argument;
}

/// An open /dev/tlblab. The tests end if it can't be opened.
class Arena {
 public:
  Arena();
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  [[nodiscard]] int fd() const { return fd_; }

  /// One lab VMA of `bytes` at `address` (0: anywhere), of the arena's offset. The tests end if it
  /// can't be had.
  std::uint64_t map(std::uint64_t address, std::uint64_t bytes, std::uint64_t offset) const;

  /// 0 or the errno. `nr_populated`, if given, receives the count. `flags` as the ABI's.
  int populate(const std::vector<tlblab_range>& ranges, std::uint64_t* nr_populated = nullptr,
               std::uint32_t flags = 0) const;

  /// 0 or the errno; request.ranges and .nr_ranges are filled in; the account is in the request.
  int perform(tlblab_request& request, const std::vector<tlblab_range>& ranges) const;

 private:
  int fd_;
};

/// Empty address space to map in, from a page table's start on. No other VMA lies in its page
/// tables, or ever will: it is far below where the kernel places mappings, and no part of it is
/// returned twice.
std::uint64_t reserve(std::uint64_t bytes);

/// V VMAs of P pages, with gaps of `gap` pages, beginning `first_page` pages past a table's start,
/// and no other VMAs in their tables. Each VMA has its own offsets in the arena. Populated on
/// construction; unmapped at the end.
class Shape {
 public:
  Shape(const Arena& arena, unsigned nr_vmas, unsigned pages_per_vma, unsigned gap = 2,
        std::uint64_t first_page = 3);
  ~Shape();
  Shape(const Shape&) = delete;
  Shape& operator=(const Shape&) = delete;

  [[nodiscard]] const std::vector<tlblab_range>& ranges() const { return ranges_; }
  [[nodiscard]] std::uint64_t nr_pages() const { return nr_pages_; }
  /// Sum over (VMA, page table) pieces of f(pages of the piece).
  [[nodiscard]] std::uint64_t sum_over_pieces(
      const std::function<std::uint64_t(std::uint64_t)>& f) const;
  /// Writes to each page.
  void touch() const;

 private:
  std::uint64_t base_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t nr_pages_ = 0;
  std::vector<tlblab_range> ranges_;
};

tlblab_capabilities capabilities();
tlblab_totals totals();

/// An unmap under that gather: envelope, strict, this machine's usual mechanism.
tlblab_request unmap_request(std::uint32_t gather);

/// Whether frames' books balance: taken = returned + quarantined + in use.
bool books_balance(const tlblab_totals& books);

void pin_to_cpu(int cpu);

/// The sum over all CPUs of /proc/interrupts' row "TLB" (x86); 0 where there is none.
std::uint64_t tlb_interrupts();

/// Writes one line to a file of sysfs. The tests end if that fails.
void write_file(const std::string& path, const std::string& text);

/// Threads on CPUs 1..n that read every page of the ranges once, and then spin or sleep until they
/// are stopped. At most 64.
class Responders {
 public:
  enum class Mode { kSpin, kSleep };
  Responders(unsigned nr, const std::vector<tlblab_range>& ranges, Mode mode);
  ~Responders();
  Responders(const Responders&) = delete;
  Responders& operator=(const Responders&) = delete;

  /// How often any of them was switched off its CPU so far. Spinning ones are all on their CPUs at
  /// one time after the count was taken: one that is off later shows in the next count.
  [[nodiscard]] std::uint64_t switches() const;

 private:
  Mode mode_;
  int alarm_;  ///< an eventfd on which sleepers wait
  std::atomic<bool> stop_{false};
  std::atomic<unsigned> nr_ready_{0};
  std::array<pid_t, 64> tids_{};
  std::array<std::atomic<std::uint64_t>, 64> beats_{};
  std::vector<std::thread> threads_;
};

/// Runs `f` in a child process and returns its exit status, or 128 + signal. The child must not
/// return into the harness: what `f` returns is its exit status.
int in_child(const std::function<int()>& f);

/// Whether reading that address raises SIGBUS. After handle_bus_errors().
bool faults_with_sigbus(std::uint64_t address);

}  // namespace tlblab::vm
