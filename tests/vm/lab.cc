// SPDX-License-Identifier: GPL-2.0-only
// Arenas, shapes, responders and books for guest tests.
#include "tests/vm/lab.hh"

#include <fcntl.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tests/vm/reach.hh"

namespace tlblab::vm {
namespace {

[[noreturn]] void die(const char* what) {
  std::printf("Bail out! %s: %s\n", what, std::strerror(errno));
  std::exit(2);
}

void read_pages(const std::vector<tlblab_range>& ranges) {
  for (const tlblab_range& range : ranges) {
    for (std::uint64_t page = range.start; page < range.start + range.len_bytes; page += kPage) {
      (void)*reinterpret_cast<const volatile std::uint64_t*>(page);
    }
  }
}

int open_device() {
  const int fd = open(TLBLAB_DEVICE, O_RDWR | O_CLOEXEC);
  if (fd < 0) die("open " TLBLAB_DEVICE);
  return fd;
}

/// 'R', 'S', ...: the third field of the thread's stat, after the name in parentheses.
char thread_state(pid_t tid) {
  std::ifstream file("/proc/self/task/" + std::to_string(tid) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  return name_end + 2 < line.size() ? line[name_end + 2] : '?';
}

}  // namespace

Arena::Arena() : fd_(open_device()) {}

Arena::~Arena() { close(fd_); }

std::uint64_t Arena::map(std::uint64_t address, std::uint64_t bytes, std::uint64_t offset) const {
  void* got =
      mmap(reinterpret_cast<void*>(address), bytes, PROT_READ | PROT_WRITE,
           MAP_SHARED | (address != 0 ? MAP_FIXED_NOREPLACE : 0), fd_, static_cast<off_t>(offset));
  if (got == MAP_FAILED) die("mmap " TLBLAB_DEVICE);
  return reinterpret_cast<std::uint64_t>(got);
}

int Arena::populate(const std::vector<tlblab_range>& ranges, std::uint64_t* nr_populated,
                    std::uint32_t flags) const {
  auto request = sized<tlblab_populate>();
  request.flags = flags;
  request.ranges = reinterpret_cast<std::uint64_t>(ranges.data());
  request.nr_ranges = ranges.size();
  request.node = -1;
  if (ioctl(fd_, TLBLAB_POPULATE, &request) != 0) return errno;
  if (nr_populated != nullptr) *nr_populated = request.populated;
  return 0;
}

int Arena::perform(tlblab_request& request, const std::vector<tlblab_range>& ranges) const {
  request.ranges = reinterpret_cast<std::uint64_t>(ranges.data());
  request.nr_ranges = ranges.size();
  return ioctl(fd_, TLBLAB_PERFORM, &request) == 0 ? 0 : errno;
}

std::uint64_t reserve(std::uint64_t bytes) {
  // Above a program that isn't moved about, and below everything that is: those begin at the top.
  constexpr std::uint64_t kBegin = std::uint64_t{1} << 36;
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 46;
  static std::atomic<std::uint64_t> next{kBegin};
  const std::uint64_t whole = (bytes + kTableBytes - 1) / kTableBytes * kTableBytes;
  const std::uint64_t at = next.fetch_add(whole);
  if (at + whole > kEnd) {
    errno = ENOMEM;
    die("reserve address space");
  }
  return at;
}

Shape::Shape(const Arena& arena, unsigned nr_vmas, unsigned pages_per_vma, unsigned gap,
             std::uint64_t first_page) {
  const std::uint64_t stride = (std::uint64_t{pages_per_vma} + gap) * kPage;
  bytes_ = stride * nr_vmas + first_page * kPage;
  base_ = reserve(bytes_);
  std::uint64_t at = base_ + first_page * kPage;
  for (unsigned i = 0; i < nr_vmas; ++i, at += stride) {
    const std::uint64_t bytes = pages_per_vma * kPage;
    ranges_.push_back({arena.map(at, bytes, i * bytes), bytes});
    nr_pages_ += pages_per_vma;
  }
  if (const int error = arena.populate(ranges_); error != 0) {
    errno = error;
    die("populate");
  }
}

Shape::~Shape() { munmap(reinterpret_cast<void*>(base_), bytes_); }

std::uint64_t Shape::sum_over_pieces(const std::function<std::uint64_t(std::uint64_t)>& f) const {
  std::uint64_t sum = 0;
  for (const tlblab_range& range : ranges_) {
    const std::uint64_t end = range.start + range.len_bytes;
    for (std::uint64_t at = range.start; at < end;) {
      const std::uint64_t next = std::min(end, (at / kTableBytes + 1) * kTableBytes);
      sum += f((next - at) / kPage);
      at = next;
    }
  }
  return sum;
}

void Shape::touch() const {
  for (const tlblab_range& range : ranges_) {
    for (std::uint64_t page = range.start; page < range.start + range.len_bytes; page += kPage) {
      *reinterpret_cast<volatile std::uint64_t*>(page) = page;
    }
  }
}

tlblab_capabilities capabilities() {
  const Arena arena;
  auto can = sized<tlblab_capabilities>();
  if (ioctl(arena.fd(), TLBLAB_QUERY, &can) != 0) die("TLBLAB_QUERY");
  return can;
}

tlblab_totals totals() {
  const Arena arena;
  auto books = sized<tlblab_totals>();
  if (ioctl(arena.fd(), TLBLAB_TOTALS, &books) != 0) die("TLBLAB_TOTALS");
  return books;
}

tlblab_request unmap_request(std::uint32_t gather) {
  auto request = sized<tlblab_request>();
  request.operation = TLBLAB_UNMAP;
  request.gather = gather;
  request.extent = TLBLAB_ENVELOPE;
  request.release = TLBLAB_STRICT;
#if defined(__aarch64__)
  request.mechanism = TLBLAB_TLBI_DSB_ONCE;
#else
  request.mechanism = TLBLAB_KERNEL_SHOOTDOWN;
#endif
  return request;
}

bool books_balance(const tlblab_totals& books) {
  return books.frames_taken ==
         books.frames_returned + books.frames_quarantined + books.frames_in_use;
}

void pin_to_cpu(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) die("sched_setaffinity");
}

std::uint64_t tlb_interrupts() {
  std::ifstream file("/proc/interrupts");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string label;
    words >> label;
    if (label != "TLB:") continue;
    std::uint64_t sum = 0;
    for (std::uint64_t count = 0; words >> count;) sum += count;
    return sum;
  }
  return 0;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) die(path.c_str());
}

Responders::Responders(unsigned nr, const std::vector<tlblab_range>& ranges, Mode mode)
    : mode_(mode), alarm_(eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC)) {
  if (alarm_ < 0) die("eventfd");
  for (unsigned i = 0; i < nr; ++i) {
    threads_.emplace_back([this, i, &ranges] {
      pin_to_cpu(static_cast<int>(i) + 1);
      read_pages(ranges);
      tids_[i] = gettid();
      ++nr_ready_;
      if (mode_ == Mode::kSleep) {
        std::uint64_t one = 0;
        if (read(alarm_, &one, sizeof(one)) != sizeof(one)) die("read eventfd");
      }
      while (!stop_.load(std::memory_order_relaxed)) {
        beats_[i].fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  while (nr_ready_ < nr) sched_yield();
  if (mode_ == Mode::kSpin || nr == 0) return;
  for (unsigned i = 0; i < nr; ++i) {
    while (thread_state(tids_[i]) != 'S') usleep(1000);
  }
  // It reports this before its CPU has left the address space. To be sure, run on that CPU and come
  // back: the last to run there was then a kernel thread, which migrated us.
  cpu_set_t mine;
  if (sched_getaffinity(0, sizeof(mine), &mine) != 0) die("sched_getaffinity");
  for (unsigned i = 0; i < nr; ++i) pin_to_cpu(static_cast<int>(i) + 1);
  if (sched_setaffinity(0, sizeof(mine), &mine) != 0) die("sched_setaffinity");
}

std::uint64_t Responders::switches() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    std::ifstream file("/proc/self/task/" + std::to_string(tids_[i]) + "/status");
    for (std::string line; std::getline(file, line);) {
      const std::size_t at = line.find("voluntary_ctxt_switches:");
      if (at != std::string::npos) sum += std::stoull(line.substr(line.find(':') + 1));
    }
  }
  if (mode_ == Mode::kSleep) return sum;
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    const std::uint64_t before = beats_[i];
    while (beats_[i] == before) sched_yield();
  }
  return sum;
}

Responders::~Responders() {
  stop_ = true;
  const std::uint64_t nr = threads_.size();
  if (nr > 0 && write(alarm_, &nr, sizeof(nr)) != sizeof(nr)) die("write eventfd");
  for (std::thread& thread : threads_) thread.join();
  close(alarm_);
}

int in_child(const std::function<int()>& f) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    const int status = f();
    std::fflush(stdout);
    _exit(status);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) die("waitpid");
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool faults_with_sigbus(std::uint64_t address) {
  return !reach([address] { (void)*reinterpret_cast<const volatile std::uint64_t*>(address); });
}

}  // namespace tlblab::vm
