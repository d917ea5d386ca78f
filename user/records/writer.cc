// SPDX-License-Identifier: GPL-2.0-only
// Appending, and putting back what a failed append left.
#include "user/records/writer.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "user/support/error.hh"

namespace tlblab::records {
namespace {

Error write_error(const std::string& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return {ExitStatus::kMachine, fmt::format("cannot write {}: {}", path, std::strerror(error)),
          full ? "Free some space (or raise the limit) and give the same command again: it goes on "
                 "from the last complete block."
               : "Choose another place with --output."};
}

/// Writes all of `text` or reports errno; `path` may then hold a part of it.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

void Writer::create(const std::string& path, const std::string& header_line) {
  // Under another name until the header is whole, so that a kill leaves no half of one.
  const std::string unfinished = path + ".new";
  const int fd = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) throw write_error(path, errno);
  int error = write_all(fd, header_line + "\n");
  if (error == 0 && fsync(fd) != 0) error = errno;
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && link(unfinished.c_str(), path.c_str()) != 0) error = errno;
  unlink(unfinished.c_str());
  if (error == EEXIST) {
    throw Error(ExitStatus::kUsage, fmt::format("{} exists already", path),
                "Name another --output, or move the old file away.");
  }
  if (error != 0) throw write_error(path, error);
}

std::uint64_t Writer::mend(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) throw write_error(path, errno);
  struct stat status {};
  fstat(fd, &status);
  off_t end = status.st_size;
  // A line is a few hundred bytes; stepping back byte by byte is soon over.
  for (char last = 0; end > 0; --end) {
    if (pread(fd, &last, 1, end - 1) != 1 || last == '\n') break;
  }
  const int failed = end < status.st_size ? ftruncate(fd, end) : 0;
  const int error = errno;
  close(fd);
  if (failed != 0) throw write_error(path, error);
  return static_cast<std::uint64_t>(status.st_size - end);
}

Writer::Writer(const std::string& path)
    : path_(path), fd_(open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)) {
  if (fd_ < 0) throw write_error(path, errno);
}

Writer::~Writer() { close(fd_); }

void Writer::lock() {
  if (flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
  throw Error(ExitStatus::kUsage, fmt::format("another run is writing {}", path_),
              "Wait for it to end, or name another --output.");
}

void Writer::add_line(std::string_view json) {
  pending_ += json;
  pending_ += '\n';
}

void Writer::commit() {
  struct stat before {};
  fstat(fd_, &before);
  const std::string lines = std::exchange(pending_, {});
  const int error = write_all(fd_, lines);
  if (error == 0) return;
  // Cutting back can hardly fail; if it does, the reader still finds the torn line.
  if (ftruncate(fd_, before.st_size) != 0) throw write_error(path_, errno);
  throw write_error(path_, error);
}

}  // namespace tlblab::records
