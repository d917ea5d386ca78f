// SPDX-License-Identifier: GPL-2.0-only
// Decompression, by libzstd and zlib.
#include "user/records/source.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>
#include <vector>

#include "user/support/error.hh"

namespace tlblab::records {
namespace {

constexpr std::string_view kZstdMagic{"\x28\xb5\x2f\xfd", 4};

Error unreadable(const std::string& path, std::string_view why) {
  return {ExitStatus::kUsage, fmt::format("cannot read {}: {}", path, why),
          "Name a result file (.jsonl.zst, .jsonl.gz or .jsonl); this one is damaged or not a "
          "file."};
}

class ZstdSource : public Source {
 public:
  ZstdSource(std::string path, int fd)
      : path_(std::move(path)),
        fd_(fd),
        context_(ZSTD_createDCtx()),
        packed_(ZSTD_DStreamInSize()) {
    if (context_ == nullptr) throw std::bad_alloc();
  }
  ~ZstdSource() override {
    ZSTD_freeDCtx(context_);
    close(fd_);
  }
  ZstdSource(const ZstdSource&) = delete;
  ZstdSource& operator=(const ZstdSource&) = delete;

  std::size_t read(std::span<char> into) override {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos == 0) {
      // Where `into` was too small the time before, the decoder holds more than it was given.
      if (!holds_more_ && in_.pos == in_.size && !refill()) break;
      const std::size_t result = ZSTD_decompressStream(context_, &out, &in_);
      if (ZSTD_isError(result) != 0) throw unreadable(path_, ZSTD_getErrorName(result));
      holds_more_ = out.pos == out.size;
    }
    return out.pos;
  }

 private:
  bool refill() {
    ssize_t got = 0;
    while ((got = ::read(fd_, packed_.data(), packed_.size())) < 0 && errno == EINTR) {
    }
    if (got < 0) throw unreadable(path_, std::strerror(errno));
    in_ = {packed_.data(), static_cast<std::size_t>(got), 0};
    return got > 0;
  }

  std::string path_;
  int fd_;
  ZSTD_DCtx* context_;
  std::vector<char> packed_;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  bool holds_more_ = false;
};

/// gzread passes plain files through, so one source serves both.
class GzipSource : public Source {
 public:
  GzipSource(std::string path, int fd) : path_(std::move(path)), file_(gzdopen(fd, "rb")) {
    if (file_ == nullptr) throw std::bad_alloc();
    gzbuffer(file_, 1 << 18);
  }
  ~GzipSource() override { gzclose(file_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  std::size_t read(std::span<char> into) override {
    const int got = gzread(file_, into.data(), static_cast<unsigned>(into.size()));
    if (got > 0) return static_cast<std::size_t>(got);
    int error = Z_OK;
    const char* text = gzerror(file_, &error);
    if (error != Z_OK && error != Z_STREAM_END && error != Z_BUF_ERROR) {
      throw unreadable(path_, text);
    }
    return 0;
  }

 private:
  std::string path_;
  gzFile file_;
};

}  // namespace

std::unique_ptr<Source> open_source(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    throw Error(ExitStatus::kUsage, fmt::format("cannot open {}: {}", path, std::strerror(errno)),
                "Name a result file (.jsonl.zst, .jsonl.gz or .jsonl) that tlblab wrote.");
  }
  std::array<char, kZstdMagic.size()> begin{};
  const bool is_zstd =
      pread(fd, begin.data(), begin.size(), 0) == static_cast<ssize_t>(begin.size()) &&
      std::string_view(begin.data(), begin.size()) == kZstdMagic;
  if (is_zstd) return std::make_unique<ZstdSource>(path, fd);
  return std::make_unique<GzipSource>(path, fd);
}

}  // namespace tlblab::records
