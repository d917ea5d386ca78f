// SPDX-License-Identifier: GPL-2.0-only
// Reading the kernel's ring buffer of messages.
#include "user/topology/kernel_log.hh"

#include <sys/klog.h>

#include <cerrno>
#include <utility>

#include "user/topology/kernel_files.hh"

namespace tlblab {
namespace {

// syslog(2)'s numbers, which have no names in the C library's headers.
constexpr int kReadAll = 3;
constexpr int kSizeOfBuffer = 10;

}  // namespace

KernelLog kernel_log_of(std::string text) {
  KernelLog log{.text = std::move(text), .problem = {}};
  // The first line that every kernel prints; the ring's oldest lines make room for newer ones.
  if (!log.says("Linux version ")) log.problem = "the kernel log no longer goes back to the boot";
  return log;
}

KernelLog read_kernel_log() {
  const int nr_bytes = ::klogctl(kSizeOfBuffer, nullptr, 0);
  std::string text(nr_bytes > 0 ? static_cast<std::size_t>(nr_bytes) : 0, '\0');
  const int got = nr_bytes > 0 ? ::klogctl(kReadAll, text.data(), nr_bytes) : -1;
  if (got < 0) {
    const std::string why = errno == EPERM ? "needs root" : explain_read_error(errno);
    return {.text = {}, .problem = "the kernel log can't be read: " + why};
  }
  text.resize(static_cast<std::size_t>(got));
  return kernel_log_of(std::move(text));
}

std::string last_said_after(const KernelLog& log, std::string_view words) {
  const auto at = log.text.rfind(words);
  if (at == std::string::npos) return {};
  const auto begin = at + words.size();
  return log.text.substr(begin, log.text.find('\n', begin) - begin);
}

}  // namespace tlblab
