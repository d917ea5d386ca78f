// SPDX-License-Identifier: GPL-2.0-only
// random_calls: what the kernel lets a process do to its own memory. Results are ignored: they
// depend on what other threads did just before.
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/vm/random_caller.hh"
#include "tests/vm/reach.hh"

namespace tlblab::vm {
namespace {

void* pointer(std::uint64_t address) { return reinterpret_cast<void*>(address); }

/// madvise() that changes no content. MADV_DONTFORK and its like would keep a guard from a child.
constexpr int kHarmlessAdvice[] = {0, 1, 2, 3, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 25};
/// The others that there are, MADV_HWPOISON (100) and MADV_SOFT_OFFLINE (101) apart: each of those
/// costs the machine a page.
constexpr int kAnyAdvice[] = {4, 8, 9, 10, 11, 18, 19, 24, 5, 6, 7, 26, 102, 103};

/// struct pm_scan_arg of <linux/fs.h>, which Debian 12 doesn't have yet.
struct PagemapScan {
  std::uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  std::uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
constexpr unsigned long kPagemapScan = _IOWR('f', 16, PagemapScan);

}  // namespace

Zones::Piece RandomCaller::any_piece() {
  const Zones::Piece zone = state_.zones.zone(below(Zones::kZones));
  if (one_in(3)) return zone;
  const std::uint64_t first = below(Zones::kZonePages);
  const std::uint64_t nr = 1 + below(static_cast<std::uint32_t>(Zones::kZonePages - first));
  return {zone.start + first * kPage, nr * kPage};
}

Zones::Piece RandomCaller::any_neighbourhood() {
  if (one_in(2)) return any_piece();
  if (one_in(4)) return state_.zones.whole();
  const Zones::Piece guard = state_.zones.guard(below(Zones::kGuards));
  const std::uint64_t before = below(4) * kPage;
  return {guard.start - before, before + (1 + below(6)) * kPage};
}

std::uint64_t RandomCaller::any_word() {
  const Zones::Piece piece = any_piece();
  return piece.start + random_() % (piece.bytes / 8) * 8;
}

void RandomCaller::touch() {
  const std::uint64_t at = any_word();
  const bool write = one_in(2);
  const std::uint64_t value = 0x7abull << 52 | random_() >> 16;
  volatile std::uint64_t seen = 0;
  reach([&] {
    auto* word = reinterpret_cast<volatile std::uint64_t*>(at);
    if (write) *word = value;
    seen = *word;
  });
  if ((seen & kGuardMask) == kGuardMagic) {
    complain(shared_, "a guard's word %#llx was read at %#llx, outside of it",
             static_cast<unsigned long long>(seen), static_cast<unsigned long long>(at));
  }
}

void RandomCaller::map_ordinary() {
  const Zones::Piece piece = any_piece();
  const int protection = one_in(4) ? static_cast<int>(below(8)) : PROT_READ | PROT_WRITE;
  int flags = MAP_FIXED | MAP_ANONYMOUS | (one_in(3) ? MAP_SHARED : MAP_PRIVATE);
  if (one_in(8)) flags |= MAP_POPULATE;
  if (one_in(8)) flags |= MAP_NORESERVE;
  if (one_in(8)) flags |= MAP_LOCKED;
  mmap(pointer(piece.start), piece.bytes, protection, flags, -1, 0);
}

void RandomCaller::unmap() {
  const Zones::Piece piece = any_piece();
  munmap(pointer(piece.start), piece.bytes);
}

void RandomCaller::move() {
  const Zones::Piece from = any_piece();
  const Zones::Piece to = any_piece();
  // MAYMOVE 1, FIXED 2, DONTUNMAP 4.
  const int flags = static_cast<int>(below(8));
  // Never longer than the place where it goes: behind that is a guard.
  std::uint64_t bytes = one_in(2) ? from.bytes : to.bytes;
  if ((flags & MREMAP_FIXED) != 0) bytes = to.bytes;
  std::uint64_t old_bytes = one_in(8) ? 0 : from.bytes;
  if ((flags & 4) != 0) old_bytes = bytes = to.bytes < from.bytes ? to.bytes : from.bytes;
  void* got = mremap(pointer(from.start), old_bytes, bytes, flags, pointer(to.start));
  if (got == MAP_FAILED) return;
  // The kernel may have chosen a place of its own.
  const Zones::Piece whole = state_.zones.whole();
  const auto at = reinterpret_cast<std::uint64_t>(got);
  if (at < whole.start || at >= whole.start + whole.bytes) munmap(got, bytes);
}

void RandomCaller::protect() {
  const Zones::Piece piece = any_piece();
  mprotect(pointer(piece.start), piece.bytes, static_cast<int>(below(8)));
}

void RandomCaller::advise() {
  if (one_in(2)) {
    const Zones::Piece piece = any_neighbourhood();
    madvise(pointer(piece.start), piece.bytes, kHarmlessAdvice[below(std::size(kHarmlessAdvice))]);
    return;
  }
  const Zones::Piece piece = any_piece();
  if (!one_in(100)) {
    madvise(pointer(piece.start), piece.bytes, kAnyAdvice[below(std::size(kAnyAdvice))]);
    return;
  }
  // One page, and not the one that all processes read zeros from; the caller gets a SIGBUS.
  const int advice = one_in(2) ? 100 : 101;
  reach([&] {
    *reinterpret_cast<volatile std::uint64_t*>(piece.start) = random_() >> 16;
    madvise(pointer(piece.start), kPage, advice);
  });
}

void RandomCaller::lock() {
  const Zones::Piece piece = any_neighbourhood();
  switch (below(6)) {
    case 0:
    case 1:
      mlock(pointer(piece.start), piece.bytes);
      return;
    case 2:
      syscall(SYS_mlock2, piece.start, piece.bytes, 1);
      return;
    case 3:
      mlockall(MCL_CURRENT | MCL_ONFAULT);
      munlockall();
      return;
    default:
      munlock(pointer(piece.start), piece.bytes);
  }
}

void RandomCaller::bind() {
  const Zones::Piece piece = any_neighbourhood();
  const unsigned long nodes = 1 + below(3);
  syscall(SYS_mbind, piece.start, piece.bytes, below(6), one_in(4) ? nullptr : &nodes,
          8 * sizeof(nodes), below(8));
}

void RandomCaller::migrate() {
  if (one_in(4)) {
    const unsigned long from = 1 + below(3);
    const unsigned long to = 1 + below(3);
    syscall(SYS_migrate_pages, 0, 8 * sizeof(from), &from, &to);
    return;
  }
  constexpr unsigned kNr = 8;
  void* pages[kNr];
  int nodes[kNr];
  int status[kNr];
  for (unsigned i = 0; i < kNr; ++i) {
    pages[i] = pointer(any_neighbourhood().start);
    nodes[i] = static_cast<int>(below(2));
  }
  syscall(SYS_move_pages, 0, kNr, pages, one_in(3) ? nullptr : nodes, status,
          one_in(2) ? MPOL_MF_MOVE : MPOL_MF_MOVE_ALL);
}

void RandomCaller::register_uffd() {
  if (!uffd_.is_open() || one_in(8)) {
    uffd_.open(one_in(2) ? kUffdWpAsync | kUffdWpUnpopulated : 0);
    if (!uffd_.is_open()) return;
  }
  const Zones::Piece piece = any_piece();
  switch (below(6)) {
    case 0:
    case 1:
      uffd_.register_range(piece.start, piece.bytes, 1 + below(7));
      return;
    case 2:
      uffd_.write_protect(piece.start, piece.bytes, one_in(2));
      return;
    case 3:
      uffd_.zero(piece.start, piece.bytes);
      return;
    case 4:
      uffd_.unregister_range(piece.start, piece.bytes);
      return;
    default: {
      const Zones::Piece whole = state_.zones.whole();
      uffd_.unregister_range(whole.start, whole.bytes);
    }
  }
}

void RandomCaller::scan_pagemap() {
  const int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  const Zones::Piece piece = any_neighbourhood();
  std::uint64_t entries[64];
  (void)!pread(fd, entries, sizeof(entries),
               static_cast<off_t>(piece.start / kPage * sizeof(entries[0])));
  PagemapScan scan{};
  scan.size = sizeof(scan);
  // Protects for a userfaultfd what it finds, in a range that has one.
  scan.flags = below(4);
  scan.start = piece.start;
  scan.end = piece.start + piece.bytes;
  ioctl(fd, kPagemapScan, &scan);
  close(fd);
}

}  // namespace tlblab::vm
