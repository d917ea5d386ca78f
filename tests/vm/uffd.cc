// SPDX-License-Identifier: GPL-2.0-only
// userfaultfd's calls.
#include "tests/vm/uffd.hh"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "tests/vm/lab.hh"

namespace tlblab::vm {
namespace {

int open_with(std::uint64_t features, std::uint64_t* offered) {
  const int fd = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
  if (fd < 0) return -1;
  uffdio_api api{};
  api.api = UFFD_API;
  api.features = features;
  const int result = ioctl(fd, UFFDIO_API, &api);
  *offered = api.features;
  if (result == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace

Userfaultfd::~Userfaultfd() { close(); }

void Userfaultfd::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool Userfaultfd::open(std::uint64_t features) {
  close();
  // A first one says what there is; it can't be asked twice.
  std::uint64_t offered = 0;
  const int probe = open_with(0, &offered);
  if (probe < 0) return false;
  ::close(probe);
  features_ = (features | UFFD_FEATURE_SIGBUS) & offered;
  fd_ = open_with(features_, &offered);
  return fd_ >= 0;
}

int Userfaultfd::register_range(std::uint64_t start, std::uint64_t bytes,
                                std::uint64_t mode) const {
  uffdio_register argument{};
  argument.range = {start, bytes};
  argument.mode = mode;
  return ioctl(fd_, UFFDIO_REGISTER, &argument) == 0 ? 0 : errno;
}

int Userfaultfd::unregister_range(std::uint64_t start, std::uint64_t bytes) const {
  uffdio_range argument{start, bytes};
  return ioctl(fd_, UFFDIO_UNREGISTER, &argument) == 0 ? 0 : errno;
}

int Userfaultfd::write_protect(std::uint64_t start, std::uint64_t bytes, bool protect) const {
  uffdio_writeprotect argument{};
  argument.range = {start, bytes};
  argument.mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : 0;
  return ioctl(fd_, UFFDIO_WRITEPROTECT, &argument) == 0 ? 0 : errno;
}

int Userfaultfd::zero(std::uint64_t start, std::uint64_t bytes) const {
  uffdio_zeropage argument{};
  argument.range = {start, bytes};
  return ioctl(fd_, UFFDIO_ZEROPAGE, &argument) == 0 ? 0 : errno;
}

bool kernel_registers_lab_memory() {
  const Arena arena;
  const std::uint64_t at = arena.map(0, kPage, 0);
  bool registers = false;
  for (const std::uint64_t features : {std::uint64_t{0}, kUffdWpAsync}) {
    Userfaultfd uffd;
    if (!uffd.open(features)) break;
    for (const std::uint64_t mode :
         {UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_WP, UFFDIO_REGISTER_MODE_MINOR}) {
      registers = registers || uffd.register_range(at, kPage, mode) == 0;
    }
  }
  munmap(reinterpret_cast<void*>(at), kPage);
  return registers;
}

}  // namespace tlblab::vm
