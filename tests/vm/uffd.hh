// SPDX-License-Identifier: GPL-2.0-only
// userfaultfd, as far as tests need it.
#pragma once

#include <linux/userfaultfd.h>

#include <cstdint>

namespace tlblab::vm {

/// Newer than the headers of Debian 12.
inline constexpr std::uint64_t kUffdWpUnpopulated = 1ull << 13;
inline constexpr std::uint64_t kUffdWpAsync = 1ull << 15;

/// One open userfaultfd, for one thread. Faults that it would have to answer are SIGBUS instead.
class Userfaultfd {
 public:
  Userfaultfd() = default;
  ~Userfaultfd();
  Userfaultfd(const Userfaultfd&) = delete;
  Userfaultfd& operator=(const Userfaultfd&) = delete;

  /// Opens it again with these features, or with as many of them as the kernel has. False: there is
  /// no userfaultfd.
  bool open(std::uint64_t features);
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  void close();
  [[nodiscard]] std::uint64_t features() const { return features_; }

  /// 0 or the errno. `mode`: UFFDIO_REGISTER_MODE_*.
  int register_range(std::uint64_t start, std::uint64_t bytes, std::uint64_t mode) const;
  int unregister_range(std::uint64_t start, std::uint64_t bytes) const;
  int write_protect(std::uint64_t start, std::uint64_t bytes, bool protect) const;
  int zero(std::uint64_t start, std::uint64_t bytes) const;

 private:
  int fd_ = -1;
  std::uint64_t features_ = 0;
};

/// Whether this kernel lets a lab VMA be registered, in any mode: then entries may be set in it
/// that are not the module's.
bool kernel_registers_lab_memory();

}  // namespace tlblab::vm
