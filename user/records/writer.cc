// SPDX-License-Identifier: GPL-2.0-only
// Appending, and putting back what a failed append left.
#include "user/records/writer.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
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

/// A whole file in memory, for reading.
class MappedFile {
 public:
  MappedFile(const std::string& path, int fd) {
    struct stat status {};
    if (fstat(fd, &status) != 0) throw write_error(path, errno);
    size_ = static_cast<std::size_t>(status.st_size);
    if (size_ == 0) return;
    begin_ = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
    if (begin_ == MAP_FAILED) throw write_error(path, errno);
  }
  ~MappedFile() {
    if (begin_ != nullptr) munmap(begin_, size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::string_view text() const { return {static_cast<const char*>(begin_), size_}; }

 private:
  void* begin_ = nullptr;
  std::size_t size_ = 0;
};

Tail tail_in(const std::string& path, std::string_view file) {
  try {
    return tail_of(file);
  } catch (const std::exception& error) {
    throw Error(ExitStatus::kUsage, fmt::format("cannot go on in {}: {}", path, error.what()),
                "Name another --output, or move that file away.");
  }
}

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : fd_(open(path.c_str(), flags | O_CLOEXEC)) {
    if (fd_ < 0) throw write_error(path, errno);
  }
  ~Descriptor() { close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

void Writer::create(const std::string& path, const std::string& header_line) {
  // Under another name until the header is whole, so that a kill leaves no half of one.
  const std::string unfinished = path + ".new";
  const int fd = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) throw write_error(path, errno);
  int error = write_all(fd, Frame().add(header_line + "\n").append(kFrameEnd));
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
  const Descriptor file(path, O_RDWR | O_APPEND);
  const MappedFile mapped(path, file.fd());
  const Tail tail = tail_in(path, mapped.text());
  const std::size_t cut = mapped.text().size() - tail.whole_bytes;
  int error = 0;
  if (cut > 0 && ftruncate(file.fd(), static_cast<off_t>(tail.whole_bytes)) != 0) error = errno;
  if (error == 0 && tail.open) error = write_all(file.fd(), kFrameEnd);
  if (error != 0) throw write_error(path, error);
  return cut;
}

std::string Writer::last_line(const std::string& path) {
  const Descriptor file(path, O_RDONLY);
  return tail_in(path, MappedFile(path, file.fd()).text()).last_line;
}

Writer::Writer(const std::string& path)
    : path_(path), fd_(open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)) {
  if (fd_ < 0) throw write_error(path, errno);
}

Writer::~Writer() {
  end_frame();
  close(fd_);
}

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
  if (pending_.empty()) return;
  struct stat before {};
  fstat(fd_, &before);
  if (!frame_) frame_.emplace();
  const int error = write_all(fd_, frame_->add(std::exchange(pending_, {})));
  if (error == 0) return;
  // Cutting back can hardly fail; if it does, the reader still finds what was torn.
  if (ftruncate(fd_, before.st_size) != 0) throw write_error(path_, errno);
  end_frame();
  throw write_error(path_, error);
}

void Writer::end_frame() noexcept {
  if (!frame_) return;
  frame_.reset();
  // Where even this finds no room, mend() does it before anything is added.
  static_cast<void>(write_all(fd_, kFrameEnd));
}

}  // namespace tlblab::records
