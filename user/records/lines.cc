// SPDX-License-Identifier: GPL-2.0-only
// Reading line by line. Strict: what isn't understood is refused with its line number.
#include "user/records/lines.hh"

#include <fmt/format.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <exception>

#include "user/support/error.hh"
#include "user/support/interruption.hh"

namespace tlblab::records {
namespace {

/// gzread passes plain files through, so one reader serves both.
class Lines {
 public:
  explicit Lines(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
    if (file_ == nullptr) {
      throw Error(ExitStatus::kUsage, fmt::format("cannot open {}: {}", path, std::strerror(errno)),
                  "Name a result file (.jsonl or .jsonl.gz) that tlblab wrote.");
    }
    gzbuffer(file_, 1 << 18);
  }
  ~Lines() { gzclose(file_); }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  /// False at the end. `whole` tells whether the line ended in a newline.
  bool next(std::string& line, bool& whole) {
    line.clear();
    char part[4096];
    while (gzgets(file_, part, sizeof part) != nullptr) {
      line += part;
      if (line.back() == '\n') {
        line.pop_back();
        whole = true;
        return true;
      }
    }
    int error = Z_OK;
    const char* text = gzerror(file_, &error);
    if (error != Z_OK && error != Z_STREAM_END && error != Z_BUF_ERROR) {
      throw Error(ExitStatus::kUsage, fmt::format("cannot read {}: {}", path_, text),
                  "Name a result file (.jsonl or .jsonl.gz); this one is damaged or not a file.");
    }
    whole = false;
    return !line.empty();
  }

 private:
  std::string path_;
  gzFile file_;
};

Error empty_file(const std::string& path) {
  return {ExitStatus::kUsage, fmt::format("{} is empty", path),
          "Name a result file (.jsonl or .jsonl.gz) that tlblab wrote."};
}

}  // namespace

std::vector<std::string> read_lines(const std::string& path,
                                    const std::function<void(const std::string&)>& header,
                                    const std::function<void(const std::string&)>& record) {
  Lines lines(path);
  std::string line;
  bool whole = false;
  std::size_t number = 1;
  for (; lines.next(line, whole); ++number) {
    // A long study is a gigabyte; whoever presses Ctrl-C does not want to wait for all of it.
    if (interrupted()) {
      throw Error(ExitStatus::kInterrupted, fmt::format("interrupted while reading {}", path),
                  "Give the command again.");
    }
    if (number == 1) {
      header(line);
      continue;
    }
    if (!whole) {
      return {fmt::format("line {} is torn (a kill or a full disk); it is left out", number)};
    }
    try {
      record(line);
    } catch (const std::exception& error) {
      throw Error(ExitStatus::kUsage,
                  fmt::format("{} is damaged at line {}: {}", path, number, error.what()),
                  fmt::format("The lines before it are whole: `head -n {} {} > mended.jsonl` keeps "
                              "them.",
                              number - 1, path));
    }
  }
  if (number == 1) throw empty_file(path);
  return {};
}

std::string read_header_line(const std::string& path) {
  std::string line;
  bool whole = false;
  if (!Lines(path).next(line, whole)) throw empty_file(path);
  return line;
}

}  // namespace tlblab::records
