// SPDX-License-Identifier: GPL-2.0-only
// Reading line by line. Strict: what isn't understood is refused with its line number.
#include "user/records/lines.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>

#include "user/records/source.hh"
#include "user/support/error.hh"
#include "user/support/interruption.hh"

namespace tlblab::records {
namespace {

class Lines {
 public:
  explicit Lines(const std::string& path)
      : source_(open_source(path)), buffer_(kFirstBytes + kLinePadding) {}

  /// False at the end. `whole` tells whether the line ended in a newline. The line, with
  /// kLinePadding bytes behind it that may be read, stays until the next call.
  bool next(std::string_view& line, bool& whole) {
    std::size_t searched = 0;
    while (true) {
      const char* begin = buffer_.data() + begin_;
      const auto* newline =
          static_cast<const char*>(std::memchr(begin + searched, '\n', end_ - begin_ - searched));
      if (newline != nullptr) {
        line = {begin, static_cast<std::size_t>(newline - begin)};
        begin_ += line.size() + 1;
        whole = true;
        return true;
      }
      searched = end_ - begin_;
      if (!fill()) break;
    }
    line = {buffer_.data() + begin_, end_ - begin_};
    begin_ = end_;
    whole = false;
    return !line.empty();
  }

 private:
  static constexpr std::size_t kFirstBytes = std::size_t{1} << 17;

  /// False when there is no more.
  bool fill() {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (end_ + kLinePadding == buffer_.size()) buffer_.resize(2 * buffer_.size());
    const std::size_t got =
        source_->read(std::span(buffer_).subspan(end_, buffer_.size() - kLinePadding - end_));
    end_ += got;
    return got > 0;
  }

  std::unique_ptr<Source> source_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

Error empty_file(const std::string& path) {
  return {ExitStatus::kUsage, fmt::format("{} is empty", path),
          "Name a result file (.jsonl.zst, .jsonl.gz or .jsonl) that tlblab wrote."};
}

}  // namespace

std::vector<std::string> read_lines(const std::string& path,
                                    const std::function<void(const std::string&)>& header,
                                    const std::function<void(std::string_view)>& record) {
  Lines lines(path);
  std::string_view line;
  bool whole = false;
  std::size_t number = 1;
  for (; lines.next(line, whole); ++number) {
    // A long study is a gigabyte; whoever presses Ctrl-C does not want to wait for all of it.
    if (interrupted()) {
      throw Error(ExitStatus::kInterrupted, fmt::format("interrupted while reading {}", path),
                  "Give the command again.");
    }
    if (number == 1) {
      header(std::string(line));
      continue;
    }
    if (!whole) {
      return {fmt::format("line {} is torn (a kill or a full disk); it is left out", number)};
    }
    try {
      record(line);
    } catch (const Error&) {
      throw;  // whoever takes the records has trouble of its own
    } catch (const std::exception& error) {
      throw Error(ExitStatus::kUsage,
                  fmt::format("{} is damaged at line {}: {}", path, number, error.what()),
                  fmt::format("The lines before it are whole: `zstdcat -f {} | head -n {} > "
                              "mended.jsonl` keeps them.",
                              path, number - 1));
    }
  }
  if (number == 1) throw empty_file(path);
  return {};
}

std::string read_header_line(const std::string& path) {
  std::string_view line;
  bool whole = false;
  Lines lines(path);
  if (!lines.next(line, whole)) throw empty_file(path);
  return std::string(line);
}

}  // namespace tlblab::records
