// SPDX-License-Identifier: GPL-2.0-only
// The working set: a ring of pointers, one in each page.
#include "user/workload/probe.hh"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <numeric>
#include <random>
#include <utility>

#include "user/support/clock.hh"
#include "user/support/error.hh"
#include "user/support/page_size.hh"

namespace tlblab {
namespace {

constexpr std::size_t kLineBytes = 64;

}  // namespace

/// Sattolo's algorithm: a shuffle that leaves one cycle.
std::vector<std::uint32_t> random_cycle(std::size_t nr_items, std::uint64_t seed) {
  std::vector<std::uint32_t> next(nr_items);
  std::iota(next.begin(), next.end(), 0U);
  std::mt19937_64 random(seed);
  for (std::size_t i = nr_items - 1; i > 0; --i) std::swap(next[i], next[random() % i]);
  return next;
}

ProbeWalk::ProbeWalk(std::size_t most_pages) {
  const std::size_t bytes = most_pages * page_bytes();
  void* begin = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (begin == MAP_FAILED) {
    throw Error(ExitStatus::kMachine,
                fmt::format("cannot map {} KiB for a probe's working set: {}", bytes >> 10,
                            std::strerror(errno)),
                "Free memory, or use fewer responders.");
  }
  range_.begin = reinterpret_cast<std::uintptr_t>(begin);
  range_.end = range_.begin + bytes;
}

ProbeWalk::~ProbeWalk() {
  munmap(reinterpret_cast<void*>(range_.begin), range_.end - range_.begin);
}

void ProbeWalk::arrange(std::size_t nr_pages, std::uint64_t seed) {
  const std::size_t lines = page_bytes() / kLineBytes;
  const auto cell = [&](std::size_t page) {
    return reinterpret_cast<void**>(range_.begin + page * page_bytes() + page % lines * kLineBytes);
  };
  const std::vector<std::uint32_t> next = random_cycle(nr_pages, seed);
  for (std::size_t page = 0; page < nr_pages; ++page) *cell(page) = cell(next[page]);
  first_ = cell(0);
  nr_pages_ = nr_pages;
}

std::uint64_t ProbeWalk::time_ns() const {
  const std::uint64_t begin = now_ns();
  const void* at = first_;
  for (std::size_t i = 0; i < nr_pages_; ++i) at = *static_cast<const void* const volatile*>(at);
  asm volatile("" ::"r"(at) : "memory");  // the last load is over before the clock is read
  return now_ns() - begin;
}

void ProbeWalk::warm_up() const {
  for (int i = 0; i < 2; ++i) static_cast<void>(time_ns());
}

}  // namespace tlblab
