// SPDX-License-Identifier: GPL-2.0-only
// Sharing memory with others: the module has a cap, gives back what it does not need when the
// kernel is short, and copes with failing allocations.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"

namespace tlblab::vm {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
const char* const kMaxMib = "/sys/module/tlblab/parameters/max_mib";

std::string read_word(const std::string& path) {
  std::string word;
  std::ifstream(path) >> word;
  return word;
}

/// A setting of the kernel's or the module's while it lives. Fails the test if there is none.
class Setting {
 public:
  Setting(std::string path, const std::string& value)
      : path_(std::move(path)), before_(read_word(path_)) {
    EXPECT_TRUE(!before_.empty());
    set(value);
  }
  ~Setting() { set(before_); }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;
  void set(const std::string& value) const {
    if (!before_.empty()) write_file(path_, value);
  }

 private:
  std::string path_;
  std::string before_;
};

/// The module's cap.
class Cap : public Setting {
 public:
  explicit Cap(std::uint64_t mib) : Setting(kMaxMib, std::to_string(mib)) {}
};

/// When memory is fragmented, by our frames for instance, the kernel raises its watermarks for a
/// while: a reserve that MemAvailable does not count, and for which a process was killed here.
class NoBoost : public Setting {
 public:
  NoBoost() : Setting("/proc/sys/vm/watermark_boost_factor", "0") {}
};

std::uint64_t meminfo_bytes(const std::string& what) {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(what + ":", 0) == 0) return std::stoull(line.substr(what.size() + 1)) * 1024;
  }
  return 0;
}

/// All of it takes seconds: for small machines.
bool machine_is_too_big() { return meminfo_bytes("MemTotal") > 2048 * kMiB; }

/// A lab VMA of an arena of its own, gone at the end whatever the test found.
class Lab {
 public:
  explicit Lab(std::uint64_t bytes) : bytes_(bytes), at_(arena_.map(0, bytes, 0)) {}
  ~Lab() { munmap(reinterpret_cast<void*>(at_), bytes_); }
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  [[nodiscard]] std::uint64_t at() const { return at_; }
  /// 0 or the errno: of so many bytes from the start.
  [[nodiscard]] int populate(std::uint64_t bytes) const { return arena_.populate({{at_, bytes}}); }
  /// What it cleared of so many bytes.
  [[nodiscard]] std::uint64_t unmap(std::uint64_t bytes) const {
    auto request = unmap_request(TLBLAB_MERGED);
    EXPECT_EQ(arena_.perform(request, {{at_, bytes}}), 0);
    EXPECT_EQ(request.account.released, request.account.cleared);
    return request.account.cleared;
  }

 private:
  Arena arena_;
  std::uint64_t bytes_;
  std::uint64_t at_;
};

/// Takes and touches ordinary memory, in a child that the OOM killer prefers. 0 if the child got it
/// all.
int child_needs(std::uint64_t bytes) {
  return in_child([bytes] {
    write_file("/proc/self/oom_score_adj", "1000");
    void* got = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED) return 1;
    for (std::uint64_t at = 0; at < bytes; at += kPage) static_cast<volatile char*>(got)[at] = 1;
    return 0;
  });
}

std::uint64_t held_frames(const tlblab_totals& books) {
  return books.frames_taken - books.frames_returned;
}

std::uint64_t pages_of(std::uint64_t bytes) { return bytes / kPage * kPage; }

}  // namespace

TEST(memory_in_quarantine_is_given_back) {
  if (machine_is_too_big()) return skip("more than 2 GiB of memory");
  const NoBoost no_boost;
  const std::uint64_t available = meminfo_bytes("MemAvailable");
  const std::uint64_t ours = pages_of(available / 3 * 2);
  const Cap cap(ours / kMiB + 1);
  const tlblab_totals before = totals();
  const Lab lab(ours);
  REQUIRE_EQ(lab.populate(ours), 0);
  EXPECT_EQ(lab.unmap(ours), ours / kPage);
  // The file stays open.
  EXPECT_EQ(child_needs(available / 5 * 3), 0);
  const tlblab_totals after = totals();
  EXPECT_GE(after.pressure_flushes, before.pressure_flushes + 1);
  EXPECT_TRUE(books_balance(after));
}

TEST(memory_that_the_default_cap_leaves) {
  if (machine_is_too_big()) return skip("more than 2 GiB of memory");
  const NoBoost no_boost;
  const Cap cap(0);
  const std::uint64_t total = meminfo_bytes("MemTotal");
  const std::uint64_t before = meminfo_bytes("MemAvailable");
  const Lab lab(pages_of(2 * total));
  EXPECT_EQ(lab.populate(pages_of(2 * total)), ENOMEM);
  // Still populated. A quarter is the module's; page tables and the index are small beside it.
  const std::uint64_t available = meminfo_bytes("MemAvailable");
  EXPECT_GE(available, before - before / 20 - total / 4);
  const std::uint64_t margin = 16 * kMiB + total / 20;
  REQUIRE_EQ(available > margin, true);
  EXPECT_EQ(child_needs(available - margin), 0);
}

TEST(memory_cap_is_obeyed) {
  constexpr std::uint64_t kCapMib = 8;
  const Cap cap(kCapMib);
  const std::uint64_t bytes = kCapMib * kMiB;
  const std::uint64_t max_frames = bytes / kPage;
  EXPECT_EQ(totals().max_frames, max_frames);
  // Two at a time, which together want more than there is, while the books are read.
  std::atomic<unsigned> nr_busy{2};
  std::thread populators[2];
  for (int i = 0; i < 2; ++i) {
    populators[i] = std::thread([&nr_busy, bytes, i] {
      pin_to_cpu(i + 1);
      const std::uint64_t part = pages_of(bytes / 4 * 3);
      for (unsigned round = 0; round < 10; ++round) {
        const Lab lab(part);
        const int error = lab.populate(part);
        EXPECT_TRUE(error == 0 || error == ENOMEM);
        (void)lab.unmap(part);
      }
      --nr_busy;
    });
  }
  std::uint64_t most = 0;
  while (nr_busy != 0) most = std::max(most, held_frames(totals()));
  for (std::thread& populator : populators) populator.join();
  EXPECT_LE(most, max_frames);

  // Alone it has all of it and nothing more, again and again: what is in quarantine makes room.
  const Lab lab(2 * bytes);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(lab.populate(bytes), 0);
    EXPECT_EQ(lab.populate(2 * bytes), ENOMEM);
    EXPECT_EQ(lab.unmap(2 * bytes), max_frames);
  }
  // A lower cap takes no frames away.
  EXPECT_EQ(lab.populate(bytes), 0);
  cap.set("1");
  EXPECT_EQ(lab.populate(bytes), 0);
  EXPECT_EQ(lab.populate(bytes + kPage), ENOMEM);
  *reinterpret_cast<volatile std::uint64_t*>(lab.at()) = 1;
}

namespace {

/// Pages of the zones whose name is, or is not, "Movable": `field` of /proc/zoneinfo, summed.
std::uint64_t zone_pages(bool movable, const std::string& field) {
  std::ifstream file("/proc/zoneinfo");
  bool is_movable = false;
  std::uint64_t sum = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("Node ", 0) == 0) is_movable = line.find("Movable") != std::string::npos;
    std::istringstream words(line);
    std::string first;
    std::string second;
    words >> first;
    if (first == "pages") words >> first;
    words >> second;
    if (first == field && is_movable == movable) sum += std::stoull(second);
  }
  return sum;
}

}  // namespace

// For a guest booted with movablecore= most of its memory: the kernel has that for others, but
// neither for the module nor for itself.
TEST(memory_that_is_only_for_what_can_move) {
  const std::uint64_t movable = zone_pages(true, "managed");
  const std::uint64_t usable = zone_pages(false, "managed");
  if (movable < usable) return skip("boot with movablecore= most of the memory");
  // The cap is not what ends it.
  const Cap cap(1 << 20);
  // In a child that the OOM killer prefers to the tests.
  EXPECT_EQ(in_child([movable, usable] {
              write_file("/proc/self/oom_score_adj", "1000");
              const Lab lab((movable + usable) * kPage);
              if (lab.populate((movable + usable) * kPage) != ENOMEM) return 1;
              // The kernel has something left for itself: well above what it calls short.
              if (zone_pages(false, "free") < 2 * zone_pages(false, "high")) return 2;
              // And it can go on: this takes page tables and stacks.
              for (int i = 0; i < 20; ++i) {
                if (in_child([] { return 0; }) != 0) return 3;
              }
              return child_needs(pages_of(meminfo_bytes("MemAvailable") / 2)) == 0 ? 0 : 4;
            }),
            0);
}

}  // namespace tlblab::vm
