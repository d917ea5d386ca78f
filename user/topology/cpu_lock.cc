// SPDX-License-Identifier: GPL-2.0-only
// Taking CPUs, and asking who has them.
#include "user/topology/cpu_lock.hh"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "user/support/error.hh"
#include "user/topology/kernel_files.hh"

namespace tlblab {
namespace {

/// An abstract address begins with a NUL and ends where its length says.
std::pair<sockaddr_un, socklen_t> address_of(int cpu) {
  const std::string name = fmt::format("tlblab/cpu{}", cpu);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  return {address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())};
}

int new_socket() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

/// The errno, or 0 and an open socket.
std::pair<int, int> take(int cpu) {
  const int fd = new_socket();
  if (fd < 0) return {errno, -1};
  const auto [address, length] = address_of(cpu);
  // Listening makes it answer who it is.
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0 &&
      ::listen(fd, 1) == 0) {
    return {0, fd};
  }
  const int error = errno;
  ::close(fd);
  return {error, -1};
}

/// "process 123 (tlblab study batching)"
std::string holder_of(int cpu) {
  const int fd = new_socket();
  const auto [address, length] = address_of(cpu);
  ucred holder{};
  socklen_t size = sizeof holder;
  const bool known =
      fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0 &&
      ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &holder, &size) == 0 && holder.pid > 0;
  if (fd >= 0) ::close(fd);
  if (!known) return "another process";
  std::string command = read_kernel_file(fmt::format("/proc/{}/cmdline", holder.pid)).text;
  std::replace(command.begin(), command.end(), '\0', ' ');
  return command.empty() ? fmt::format("process {}", holder.pid)
                         : fmt::format("process {} ({})", holder.pid, command);
}

[[noreturn]] void refuse(int cpu, int error) {
  if (error == EADDRINUSE) {
    throw Error(ExitStatus::kMachine,
                fmt::format("CPU {} is taken by another run: {}", cpu, holder_of(cpu)),
                "Two runs on one CPU disturb each other. Wait for that one, end it, or choose "
                "other CPUs with --cpus.");
  }
  throw Error(ExitStatus::kMachine,
              fmt::format("can't take CPU {} for this run alone: {}", cpu, std::strerror(error)),
              "A sandbox may forbid Unix sockets; run outside of it.");
}

}  // namespace

CpuLock::CpuLock(const std::vector<int>& cpus) {
  for (const int cpu : cpus) {
    const auto [error, fd] = take(cpu);
    if (error != 0) {
      for (const int taken : sockets_) ::close(taken);
      refuse(cpu, error);
    }
    sockets_.push_back(fd);
  }
}

CpuLock::~CpuLock() {
  for (const int fd : sockets_) ::close(fd);
}

}  // namespace tlblab
