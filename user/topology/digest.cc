// SPDX-License-Identifier: GPL-2.0-only
// Running sha256sum on a text.
#include "user/topology/digest.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace tlblab {
namespace {

constexpr std::size_t kHexDigits = 64;

FileText failed(std::string_view what, int error) {
  return {.text = {}, .problem = fmt::format("{}: {}", what, std::strerror(error))};
}

class OwnedFd {
 public:
  explicit OwnedFd(int fd) : fd_(fd) {}
  ~OwnedFd() { close(); }
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

FileText sha256(std::string_view text) {
  // The text goes in as a file, not through a pipe: a child that dies early then costs no SIGPIPE.
  const OwnedFd input(::memfd_create("sha256", MFD_CLOEXEC));
  if (input.get() < 0) return failed("memfd_create", errno);
  while (!text.empty()) {
    const ssize_t put = ::write(input.get(), text.data(), text.size());
    if (put <= 0) return failed("memfd", errno);
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::lseek(input.get(), 0, SEEK_SET) != 0) return failed("memfd", errno);

  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failed("pipe", errno);
  const OwnedFd from_child(ends[0]);
  OwnedFd to_parent(ends[1]);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, to_parent.get(), STDOUT_FILENO);
  std::array<char, 10> program{"sha256sum"};
  const std::array<char*, 2> argv{program.data(), nullptr};
  pid_t child = 0;
  const int error =
      ::posix_spawnp(&child, program.data(), &actions, nullptr, argv.data(), ::environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return failed("sha256sum can't be run", error);
  to_parent.close();

  FileText digest;
  std::array<char, 256> chunk;
  ssize_t got = 0;
  while ((got = ::read(from_child.get(), chunk.data(), chunk.size())) > 0) {
    digest.text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0 || digest.text.size() < kHexDigits) {
    return {.text = {}, .problem = "sha256sum failed"};
  }
  digest.text.resize(kHexDigits);
  return digest;
}

}  // namespace tlblab
