// SPDX-License-Identifier: GPL-2.0-only
// The zstd frames (RFC 8878) that a result file is made of. What one process appends is one frame,
// whose blocks end at commits. So a frame that was cut off can be ended where its last whole commit
// stands, and any zstd reads the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct ZSTD_CCtx_s;

namespace tlblab::records {

/// One frame, as it is being made.
class Frame {
 public:
  Frame();
  ~Frame();
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  /// What `text` adds to the file: whole blocks, decodable without anything that comes later.
  std::string add(std::string_view text);

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, Free> context_;
};

/// Ends any frame of Frame's after a block: an empty one that is marked as the last.
inline constexpr std::string_view kFrameEnd{"\x01\x00\x00", 3};

/// What stands at the end of a file that Frames made.
struct Tail {
  std::size_t whole_bytes = 0;  ///< up to the end of the last whole line that can be decoded
  bool open = false;            ///< the last frame wants its end there
  std::string last_line;        ///< without its newline; empty when there is none
};

/// `file` is the whole file. Throws a std::exception: it is no such file.
Tail tail_of(std::string_view file);

}  // namespace tlblab::records
