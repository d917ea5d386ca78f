// SPDX-License-Identifier: GPL-2.0-only
// Appends records to a result file so that a kill at any moment loses at most the block in flight.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "user/records/frames.hh"

namespace tlblab::records {

/// What names of result files end in.
inline constexpr std::string_view kFileEnding = ".jsonl.zst";

/// An open result file. Lines gather in memory until commit() writes them in one piece. All commits
/// of a Writer are one zstd frame, so only one Writer may commit at a time.
class Writer {
 public:
  /// Makes a new file that holds `header_line` alone. Throws Error(kUsage) when it exists already,
  /// Error(kMachine) when it can't be written; then nothing is left behind.
  static void create(const std::string& path, const std::string& header_line);

  /// Cuts what was torn by a kill or a full disk, and ends a frame that was left open. Returns the
  /// bytes cut. Throws Error(kUsage): the file is not what a Writer makes.
  static std::uint64_t mend(const std::string& path);

  /// The last whole line. Throws as mend() does.
  static std::string last_line(const std::string& path);

  explicit Writer(const std::string& path);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Takes the file for this process until the Writer dies; a second run on the same file would
  /// interleave. Throws Error(kUsage) when another process holds it.
  void lock();

  void add_line(std::string_view json);

  /// Writes what was added. On failure (disk full) the file is cut back to where it was, what was
  /// added is dropped, and Error(kMachine) is thrown.
  void commit();

 private:
  /// The next commit begins another frame.
  void end_frame() noexcept;

  std::string path_;
  int fd_ = -1;
  std::string pending_;
  std::optional<Frame> frame_;
};

}  // namespace tlblab::records
