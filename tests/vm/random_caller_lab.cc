// SPDX-License-Identifier: GPL-2.0-only
// random_calls: the module's calls, legal and not.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>

#include "tests/vm/random_caller.hh"
#include "tests/vm/reach.hh"

namespace tlblab::vm {
namespace {

/// Offsets of an arena that are used, in pages: few, so that VMAs share frames.
constexpr unsigned kOffsets = 2 * Zones::kZonePages;

bool is_one_of(int error, std::initializer_list<int> allowed) {
  return std::find(allowed.begin(), allowed.end(), error) != allowed.end();
}

}  // namespace

void RandomCaller::map_lab() {
  const unsigned zone = below(Zones::kZones);
  const auto first = static_cast<std::uint8_t>(one_in(2) ? 0 : below(Zones::kZonePages));
  const auto nr = static_cast<std::uint8_t>(one_in(3) ? Zones::kZonePages - first
                                                      : 1 + below(Zones::kZonePages - first));
  const auto arena = static_cast<std::uint8_t>(below(3));
  int protection = one_in(6) ? PROT_READ : PROT_READ | PROT_WRITE;
  int flags = MAP_SHARED | MAP_FIXED;
  std::uint64_t offset = below(kOffsets) * kPage;
  if (one_in(12)) {
    // An mmap() that must fail; it unmaps what was there before nevertheless.
    switch (below(4)) {
      case 0:
        flags = MAP_PRIVATE | MAP_FIXED;
        break;
      case 1:
        protection |= PROT_EXEC;
        break;
      case 2:
        protection = PROT_NONE;
        break;
      default:
        offset = TLBLAB_MAX_BYTES - kPage * below(Zones::kZonePages);
    }
  }
  if (one_in(8)) flags |= MAP_POPULATE;
  if (one_in(8)) flags |= MAP_LOCKED;
  const std::uint64_t at = state_.zones.zone(zone).start + first * kPage;
  void* got = mmap(reinterpret_cast<void*>(at), nr * kPage, protection, flags, state_.arenas[arena],
                   static_cast<off_t>(offset));
  if (got == MAP_FAILED) {
    ++shared_.refused;
    if (!is_one_of(errno, {EINVAL, EACCES, ENOMEM, EAGAIN, EBADF, EINTR})) {
      complain(shared_, "mmap of lab memory: errno %d", errno);
    }
    return;
  }
  ++shared_.mapped;
  state_.hints[zone] = {static_cast<std::uint8_t>(arena + 1), first, nr};
}

unsigned RandomCaller::any_ranges(int* fd) {
  const unsigned arena = below(3);
  *fd = state_.arenas[arena];
  const unsigned most = 1 + below(static_cast<std::uint32_t>(ranges_.size()));
  unsigned nr = 0;
  for (unsigned zone = below(2); zone < Zones::kZones && nr < most; ++zone) {
    const WorkerState::Hint hint = state_.hints[zone];
    if (hint.arena != arena + 1 || one_in(4)) continue;
    const unsigned first = one_in(2) ? 0 : below(hint.nr);
    const unsigned pages = one_in(2) ? hint.nr - first : 1 + below(hint.nr - first);
    const std::uint64_t at = state_.zones.zone(zone).start + (hint.first + first) * kPage;
    ranges_[nr++] = {at, pages * kPage};
    // Two ranges of one VMA.
    if (pages > 2 && nr < most && one_in(4)) {
      ranges_[nr - 1].len_bytes = kPage;
      ranges_[nr++] = {at + 2 * kPage, (pages - 2) * kPage};
    }
  }
  if (nr == 0 || one_in(16)) {
    const Zones::Piece piece = any_piece();
    ranges_[nr == 0 ? nr++ : 0] = {piece.start, piece.bytes};
  }
  if (one_in(16)) spoil_ranges(nr);
  return nr;
}

void RandomCaller::spoil_ranges(unsigned nr) {
  tlblab_range& range = ranges_[below(nr)];
  switch (below(8)) {
    case 0:
      range.start += 1 + below(4000);
      break;
    case 1:
      range.len_bytes = below(3) * (kPage / 2);
      break;
    case 2:
      range.start = 0 - kPage;
      break;
    case 3:
      range.len_bytes = random_();
      break;
    case 4:
      std::swap(ranges_[0], range);
      break;
    case 5: {
      // A guard, to which nothing must happen.
      const Zones::Piece guard = state_.zones.guard(below(Zones::kGuards));
      range = {guard.start, guard.bytes};
      break;
    }
    case 6:
      // From lab memory into the guard behind it.
      range.len_bytes = (Zones::kZonePages + 1) * kPage;
      break;
    default:
      range = {state_.zones.whole().start, state_.zones.whole().bytes};
  }
}

void RandomCaller::forget_ranges(unsigned nr) {
  for (unsigned i = 0; i < nr; ++i) {
    for (unsigned zone = 0; zone < Zones::kZones; ++zone) {
      const Zones::Piece piece = state_.zones.zone(zone);
      if (ranges_[i].start - piece.start < piece.bytes) state_.hints[zone] = WorkerState::Hint{};
    }
  }
}

void RandomCaller::write_to_ranges(unsigned nr) {
  const std::uint64_t value = 0x7abull << 52 | random_() >> 16;
  for (unsigned i = 0; i < nr; ++i) {
    for (unsigned zone = 0; zone < Zones::kZones; ++zone) {
      const Zones::Piece piece = state_.zones.zone(zone);
      if (ranges_[i].start - piece.start >= piece.bytes) continue;
      const std::uint64_t end = std::min<std::uint64_t>(ranges_[i].start + ranges_[i].len_bytes,
                                                        piece.start + piece.bytes);
      const std::uint64_t word = below(64) * sizeof(value);
      for (std::uint64_t at = ranges_[i].start & ~(kPage - 1); at < end; at += kPage) {
        reach([&] { *reinterpret_cast<volatile std::uint64_t*>(at + word) = value; });
      }
    }
  }
}

void RandomCaller::populate() {
  int fd = -1;
  auto request = sized<tlblab_populate>();
  const unsigned nr_ranges = any_ranges(&fd);
  request.nr_ranges = nr_ranges;
  request.ranges = reinterpret_cast<std::uint64_t>(ranges_.data());
  request.flags = one_in(3) ? 0 : TLBLAB_TAG;
  request.node = one_in(8) ? static_cast<std::int32_t>(below(4)) : -1;
  if (one_in(40)) request.flags = static_cast<std::uint32_t>(random_());
  if (one_in(40)) request.node = static_cast<std::int32_t>(random_());
  if (one_in(40)) request.ranges = any_word();
  if (one_in(40)) request.nr_ranges = random_() >> below(64);
  if (ioctl(fd, TLBLAB_POPULATE, &request) == 0) {
    ++shared_.populated;
    return;
  }
  ++shared_.refused;
  if (!is_one_of(errno, {EINVAL, EFAULT, E2BIG, EBUSY, ENOMEM, EINTR, EBADF}) &&
      !(errno == EUCLEAN && state_.foreign_entries)) {
    complain(shared_, "TLBLAB_POPULATE: errno %d", errno);
  }
  if (errno == EFAULT && one_in(2)) forget_ranges(nr_ranges);
}

tlblab_request RandomCaller::any_request() {
  auto request = sized<tlblab_request>();
  const auto offered = [this](std::uint64_t mask) {
    const auto value = below(one_in(64) ? 40 : 8);
    return one_in(64) || (mask >> value & 1) != 0 ? value : 0u;
  };
  const auto some = [&](std::uint64_t mask) {
    std::uint32_t value = 0;
    for (int i = 0; i < 64 && value == 0; ++i) value = offered(mask);
    return value;
  };
  request.operation = some(state_.can.operations);
  request.gather = some(state_.can.gathers);
  request.extent = some(state_.can.extents);
  const catalogue::Gather* gather = catalogue::find(catalogue::kGathers, request.gather);
  if (gather != nullptr && !catalogue::has(gather->extents, request.extent)) {
    request.extent = TLBLAB_ENVELOPE;
  }
  request.release = some(state_.can.releases);
  request.mechanism = some(state_.can.mechanisms);
  request.flags = static_cast<std::uint32_t>(random_() & state_.can.flags);
  request.fault = one_in(2) ? 0 : offered(state_.can.faults);
  request.batch_pages = one_in(2) ? 0 : 1 + below(2 * Zones::kZonePages);
  request.ceiling_pages = one_in(2) ? 0 : 1 + below(40);
  if (one_in(64)) request.batch_pages = random_() >> below(64);
  if (one_in(64)) request.ceiling_pages = static_cast<std::uint32_t>(random_());
  if (one_in(64)) request.flags = static_cast<std::uint32_t>(random_());
  if (one_in(64)) request.engine = 1;
  return request;
}

void RandomCaller::perform() {
  int fd = -1;
  const unsigned nr_ranges = any_ranges(&fd);
  tlblab_request request = any_request();
  request.nr_ranges = nr_ranges;
  request.ranges = reinterpret_cast<std::uint64_t>(ranges_.data());
  if (one_in(40)) request.ranges = any_word();
  if (one_in(40)) request.nr_ranges = random_() >> below(64);
  // Paced, but never allowed to step: it goes on by itself after some milliseconds.
  alignas(64) tlblab_pace pace{};
  if ((state_.can.features & TLBLAB_HAS_PACE) != 0 && one_in(50)) {
    pace.limit_ms = 1 + below(10);
    pace.allowed = one_in(2) ? ~0u : below(20);
    request.pace = one_in(10) ? any_word() : reinterpret_cast<std::uint64_t>(&pace);
  }
  const bool was_valid = request.ranges == reinterpret_cast<std::uint64_t>(ranges_.data()) &&
                         request.nr_ranges == nr_ranges;
  // So that this CPU has translations, and uses what a fault leaves of them.
  const bool insist = one_in(4);
  if (insist) write_to_ranges(nr_ranges);
  const int result = ioctl(fd, TLBLAB_PERFORM, &request);
  const int error = errno;
  for (unsigned i = 0; insist && i < 3; ++i) write_to_ranges(nr_ranges);
  errno = error;
  if (result == 0) {
    ++shared_.performed;
    shared_.cleared += request.account.cleared;
    if (was_valid) check_account(request, nr_ranges);
    return;
  }
  ++shared_.refused;
  if (!is_one_of(errno,
                 {EINVAL, EFAULT, E2BIG, EOPNOTSUPP, EBUSY, ENOMEM, EINTR, ETIMEDOUT, EBADF}) &&
      !(errno == EUCLEAN && state_.foreign_entries)) {
    complain(shared_, "TLBLAB_PERFORM: errno %d", errno);
  }
  if (errno == EFAULT && one_in(2)) forget_ranges(nr_ranges);
}

void RandomCaller::check_account(const tlblab_request& request, unsigned nr_ranges) {
  std::uint64_t pages = 0;
  for (unsigned i = 0; i < nr_ranges; ++i) pages += ranges_[i].len_bytes / kPage;
  const tlblab_account& account = request.account;
  if (account.cleared + account.empty != pages) {
    complain(shared_, "%llu cleared and %llu empty are not %llu pages",
             static_cast<unsigned long long>(account.cleared),
             static_cast<unsigned long long>(account.empty),
             static_cast<unsigned long long>(pages));
  }
  if (account.released > account.cleared || account.forced > account.requests ||
      account.full > account.requests) {
    complain(shared_, "the account's terms contradict each other");
  }
}

void RandomCaller::ask() {
  auto can = sized<tlblab_capabilities>();
  auto books = sized<tlblab_totals>();
  const int fd = any_arena();
  switch (below(4)) {
    case 0:
      if (ioctl(fd, TLBLAB_QUERY, &can) != 0 && errno != EBADF) {
        complain(shared_, "TLBLAB_QUERY: errno %d", errno);
      }
      return;
    case 1:
      // Balance holds whenever no call is running: see books_test.cc for more.
      if (ioctl(fd, TLBLAB_TOTALS, &books) != 0 && errno != EBADF) {
        complain(shared_, "TLBLAB_TOTALS: errno %d", errno);
      }
      return;
    case 2:
      // An argument somewhere, of any call.
      (void)ioctl(fd, _IO(TLBLAB_IOCTL_TYPE, below(5)), any_word());
      return;
    default:
      (void)ioctl(fd, random_(), any_word());
  }
}

void RandomCaller::reopen() {
  // This worker's own arena, in the place of the old one in one step: other threads are using it.
  const int fresh = open(TLBLAB_DEVICE, O_RDWR | O_CLOEXEC);
  if (fresh < 0) {
    if (errno != ENOMEM) complain(shared_, "open of the device: errno %d", errno);
    return;
  }
  dup3(fresh, state_.arenas[2], O_CLOEXEC);
  close(fresh);
}

}  // namespace tlblab::vm
