// SPDX-License-Identifier: GPL-2.0-only
// Frames are charged to the memory cgroup of the process that populates.
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/vm/ktap.hh"
#include "tests/vm/lab.hh"

namespace tlblab::vm {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

/// A memory cgroup of its own, in a hierarchy mounted for it. Empty name: there is none to be had.
class Group {
 public:
  Group() {
    char folder[] = "/tmp/cgroup-XXXXXX";
    if (mkdtemp(folder) == nullptr) return;
    root_ = folder;
    mounted_ = mount("none", folder, "cgroup2", 0, nullptr) == 0;
    std::string controllers;
    std::getline(std::ifstream(root_ + "/cgroup.controllers"), controllers);
    if (controllers.find("memory") == std::string::npos) return;
    write_file(root_ + "/cgroup.subtree_control", "+memory");
    if (mkdir((root_ + "/lab").c_str(), 0755) == 0) name_ = root_ + "/lab";
  }
  ~Group() {
    if (!name_.empty()) rmdir(name_.c_str());
    if (mounted_) umount(root_.c_str());
    if (!root_.empty()) rmdir(root_.c_str());
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  [[nodiscard]] const std::string& name() const { return name_; }

  [[nodiscard]] std::uint64_t current() const {
    std::uint64_t bytes = 0;
    std::ifstream(name_ + "/memory.current") >> bytes;
    return bytes;
  }
  /// memory.events: how often.
  [[nodiscard]] std::uint64_t events(const std::string& what) const {
    std::ifstream file(name_ + "/memory.events");
    std::string word;
    std::uint64_t count = 0;
    while (file >> word >> count) {
      if (word == what) return count;
    }
    return 0;
  }
  /// The calling process is in it. Nothing of its own is left to be charged.
  void join() const {
    mlockall(MCL_CURRENT);
    write_file(name_ + "/cgroup.procs", "0");
  }

 private:
  std::string root_;
  std::string name_;
  bool mounted_ = false;
};

}  // namespace

TEST(memory_is_charged_to_who_populates) {
  const Group group;
  if (group.name().empty()) return skip("no memory cgroups (version 2)");
  EXPECT_EQ(in_child([&group] {
              const Arena arena;
              const std::uint64_t bytes = 16 * kMiB;
              const std::uint64_t at = arena.map(0, bytes, 0);
              group.join();
              const std::uint64_t before = group.current();
              if (arena.populate({{at, bytes}}) != 0) return 1;
              const std::uint64_t charged = group.current() - before;
              // The kernel charges ahead, 64 pages for each CPU; and page tables, and the index.
              const std::uint64_t most = bytes + bytes / 8 + 64 * kPage * get_nprocs();
              return charged >= bytes && charged <= most ? 0 : 2;
            }),
            0);
}

// The kernel charges a frame when it is allocated, and with __GFP_RETRY_MAYFAIL the allocation
// fails instead of killing a process of the group.
TEST(memory_of_a_group_that_has_no_more) {
  const Group group;
  if (group.name().empty()) return skip("no memory cgroups (version 2)");
  write_file(group.name() + "/memory.max", std::to_string(32 * kMiB));
  const tlblab_totals before = totals();
  EXPECT_EQ(in_child([&group] {
              const Arena arena;
              const std::uint64_t bytes = 64 * kMiB;
              const std::uint64_t at = arena.map(0, bytes, 0);
              group.join();
              return arena.populate({{at, bytes}}) == ENOMEM ? 0 : 1;
            }),
            0);
  EXPECT_EQ(group.events("oom_kill"), 0u);
  EXPECT_GE(group.events("max"), 1u);
  const tlblab_totals after = totals();
  EXPECT_EQ(after.frames_in_use, before.frames_in_use);
  EXPECT_TRUE(books_balance(after));
}

}  // namespace tlblab::vm
