// SPDX-License-Identifier: GPL-2.0-only
// Engine `syscall`: munmap, madvise and process_madvise, one call per VMA against one over all.
#include "user/engine/syscall/syscall_engine.hh"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <mm_gather.hh>

#include "user/support/error.hh"
#include "user/support/page_size.hh"
#include "user/topology/machine.hh"
#include "user/workload/vma_layout.hh"

namespace tlblab {
namespace {

/// Indices into the scheme list; the order in which `list` shows them.
enum Calls : std::size_t {
  kMunmapPerVma,
  kMunmapMerged,
  kMadvisePerVma,
  kMadviseMerged,
  kProcessMadviseMerged,
};

/// Pages that one mmu_gather holds before it must flush and start again: the on-stack bundle of 8,
/// and batches, each a page of pointers behind a header of 16 bytes, as many as hold 10 000 at most
/// (MAX_GATHER_BATCH_COUNT, include/asm-generic/tlb.h). 9698 with pages of 4 KiB.
std::size_t gather_pages() {
  const std::size_t batch = (page_bytes() - 16) / sizeof(void*);
  return 8 + 10'000 / batch * batch;
}

void* pointer(std::uintptr_t address) { return reinterpret_cast<void*>(address); }

class SyscallScheme final : public Scheme {
 public:
  SyscallScheme(SchemeInfo info, Calls calls) : Scheme(std::move(info)), calls_(calls) {}
  [[nodiscard]] Expectation expect(const Shape& shape) const override;
  [[nodiscard]] Calls calls() const { return calls_; }

 private:
  Calls calls_;
};

class SyscallWorkspace final : public Workspace {
 public:
  SyscallWorkspace(const Shape& shape, std::vector<Calls> schemes)
      : layout_(shape), schemes_(std::move(schemes)) {
    if (shape.nr_vmas <= IOV_MAX) {
      for (const AddressRange& range : layout_.ranges()) {
        vectors_.push_back({pointer(range.begin), range.end - range.begin});
      }
    }
    // By number: glibc 2.36's <sys/pidfd.h> lacks C++ linkage. -1 before Linux 5.3; only
    // process_madvise needs it.
    self_ = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  }
  ~SyscallWorkspace() override {
    if (self_ >= 0) close(self_);
  }
  SyscallWorkspace(const SyscallWorkspace&) = delete;
  SyscallWorkspace& operator=(const SyscallWorkspace&) = delete;

  void prepare(std::uint64_t tag) override {
    // Writable private mappings are populated with frames of their own, so no CPU ever holds a
    // translation to the shared zero page that a later write would have to shoot down.
    const int fixed = mapped_ ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    for (const AddressRange& range : layout_.ranges()) {
      const std::size_t bytes = range.end - range.begin;
      void* got = mmap(pointer(range.begin), bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | fixed, -1, 0);
      if (got == MAP_FAILED) {
        throw Error(ExitStatus::kMachine,
                    fmt::format("cannot map {} KiB of the trial's memory: {}", bytes >> 10,
                                std::strerror(errno)),
                    errno == ENOMEM
                        ? "Choose a smaller shape, free memory, or raise vm.max_map_count."
                        : "Something else mapped memory into the trial's hole; this is a bug in "
                          "tlblab, please report it.");
      }
      for (std::uintptr_t page = range.begin; page < range.end; page += page_bytes()) {
        *static_cast<volatile std::uint64_t*>(pointer(page)) = tag;
      }
    }
    mapped_ = true;
  }

  int perform(std::size_t which) noexcept override {
    switch (schemes_[which]) {
      case kMunmapPerVma:
        mapped_ = false;
        for (const AddressRange& range : layout_.ranges()) {
          if (munmap(pointer(range.begin), range.end - range.begin) != 0) return errno;
        }
        return 0;
      case kMunmapMerged: {
        mapped_ = false;
        const AddressRange span = layout_.span();
        return munmap(pointer(span.begin), span.end - span.begin) == 0 ? 0 : errno;
      }
      case kMadvisePerVma:
        for (const AddressRange& range : layout_.ranges()) {
          if (madvise(pointer(range.begin), range.end - range.begin, MADV_DONTNEED) != 0) {
            return errno;
          }
        }
        return 0;
      case kMadviseMerged: {
        const AddressRange span = layout_.span();
        const int failed = madvise(pointer(span.begin), span.end - span.begin, MADV_DONTNEED);
        // madvise(2): the call goes on past unmapped holes and says ENOMEM at the end.
        return failed != 0 && errno != ENOMEM ? errno : 0;
      }
      case kProcessMadviseMerged:
        return process_madvise_all();
    }
    return EINVAL;
  }

  [[nodiscard]] std::span<const AddressRange> ranges() const override { return layout_.ranges(); }

 private:
  int process_madvise_all() noexcept {
    if (vectors_.empty()) return EINVAL;
    std::size_t bytes = 0;
    for (const iovec& vector : vectors_) bytes += vector.iov_len;
    const ssize_t done = process_madvise(self_, vectors_.data(), vectors_.size(), MADV_DONTNEED, 0);
    if (done < 0) return errno;
    return static_cast<std::size_t>(done) == bytes ? 0 : EIO;
  }

  Layout layout_;
  std::vector<Calls> schemes_;
  std::vector<iovec> vectors_;
  int self_ = -1;
  bool mapped_ = false;
};

std::string why_no_process_madvise() {
  SyscallWorkspace workspace(Shape{1, 1, 0}, {kProcessMadviseMerged});
  workspace.prepare(0);
  const int error = workspace.perform(0);
  if (error == 0) return "";
  return fmt::format(
      "this kernel refuses process_madvise(MADV_DONTNEED) on the caller's own memory ({}); 6.13 "
      "and later allow it",
      std::strerror(error));
}

/// Whether one call over many VMAs is one gather: munmap always was; madvise only since 6.16.
bool one_gather(Calls calls) {
  if (calls == kMunmapMerged) return true;
  return kernel_release() >= std::pair{6, 16};
}

bool is_per_vma(Calls calls) { return calls == kMunmapPerVma || calls == kMadvisePerVma; }

Expectation SyscallScheme::expect(const Shape& shape) const {
  Expectation expected;
  if (is_per_vma(calls_)) {
    expected.requests = shape.nr_vmas;
    expected.extent_pages = shape.pages_per_vma;
    expected.note = "one call, one gather, one flush per VMA";
  } else {
    const bool one = !kFlushesAtEachVmaEnd && one_gather(calls_);
    expected.requests = one ? 1 : shape.nr_vmas;
    expected.extent_pages = one ? shape.envelope_pages() : shape.pages_per_vma;
    expected.note = one ? "one gather over all VMAs, flushed from the first page to the last"
                    : kFlushesAtEachVmaEnd
                        ? "stock arm64 flushes at each tlb_end_vma, also within one call"
                        : "this kernel makes a gather per VMA inside the one call";
  }
  if (shape.nr_pages() > gather_pages()) {
    expected.requests.reset();
    expected.note += "; more pages than one gather holds, so it flushes in between";
  }
  const std::size_t tables = tables_freed(shape);
  if (calls_ <= kMunmapMerged && tables > 0) {
    expected.note +=
        fmt::format("; {} page table{} freed on the way", tables, tables == 1 ? " is" : "s are");
  }
  return expected;
}

}  // namespace

SyscallEngine::SyscallEngine() {
  schemes_ = {
      {"munmap:per-vma", "one munmap per VMA", "a flush at each tlb_end_vma (threads 000, 004)",
       ""},
      {"munmap:merged", "one munmap over all VMAs",
       "one mmu_gather over all VMAs, x86 (thread 004's goal, MMU_GATHER_MERGE_VMAS)", ""},
      {"madvise:per-vma", "one madvise(MADV_DONTNEED) per VMA", "every kernel before 6.16", ""},
      {"madvise:merged", "one madvise(MADV_DONTNEED) over all VMAs, holes included",
       "one gather over the call since 6.16; before, still a gather per VMA", ""},
      {"process_madvise:merged", "one process_madvise(MADV_DONTNEED), a vector entry per VMA",
       "one gather over the vector since 6.16", why_no_process_madvise()},
  };
}

std::shared_ptr<const Scheme> SyscallEngine::parse(std::string_view name) const {
  for (std::size_t i = 0; i < schemes_.size(); ++i) {
    if (schemes_[i].name == name) {
      return std::make_shared<SyscallScheme>(schemes_[i], static_cast<Calls>(i));
    }
  }
  return nullptr;
}

std::unique_ptr<Workspace> SyscallEngine::open(const Shape& shape,
                                               std::span<const Scheme* const> schemes) const {
  validate(shape);
  std::vector<Calls> calls;
  for (const Scheme* scheme : schemes) {
    calls.push_back(static_cast<const SyscallScheme*>(scheme)->calls());
  }
  return std::make_unique<SyscallWorkspace>(shape, std::move(calls));
}

}  // namespace tlblab
