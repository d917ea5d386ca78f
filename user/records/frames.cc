// SPDX-License-Identifier: GPL-2.0-only
// Frames by libzstd; blocks of a frame that was cut off by RFC 8878, section 3.1.1.2.
#include "user/records/frames.hh"

#include <fmt/format.h>
#include <zstd.h>

#include <new>
#include <stdexcept>
#include <vector>

namespace tlblab::records {
namespace {

/// A file is written between operations that are being timed: little memory comes before size.
constexpr int kLevel = 12;
constexpr int kWindowLog = 17;

/// Magic number, and a descriptor that announces neither size, checksum nor dictionary; then comes
/// one byte with the size of the window.
constexpr std::string_view kFrameBegin{"\x28\xb5\x2f\xfd\x00", 5};
constexpr std::size_t kHeaderBytes = kFrameBegin.size() + 1;

std::size_t checked(std::size_t result) {
  if (ZSTD_isError(result) != 0) throw std::runtime_error(ZSTD_getErrorName(result));
  return result;
}

/// Ends of the whole blocks of a frame that was cut off, from its beginning.
std::vector<std::size_t> block_ends(std::string_view frame) {
  constexpr std::size_t header_bytes = 3;
  constexpr unsigned rle = 1;
  std::vector<std::size_t> ends;
  for (std::size_t at = kHeaderBytes; at + header_bytes <= frame.size();) {
    std::uint32_t header = 0;
    for (std::size_t i = 0; i < header_bytes; ++i) {
      header |= std::uint32_t{static_cast<unsigned char>(frame[at + i])} << (8 * i);
    }
    const std::size_t size = (header >> 1U & 3U) == rle ? 1 : header >> 3U;
    at += header_bytes + size;
    if (at > frame.size()) break;
    ends.push_back(at);
  }
  return ends;
}

/// What a frame, or the beginning of one up to a block's end, holds.
std::string decoded(std::string_view frame) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     &ZSTD_freeDCtx);
  std::string text;
  std::vector<char> part(ZSTD_DStreamOutSize());
  ZSTD_inBuffer in{frame.data(), frame.size(), 0};
  ZSTD_outBuffer out{part.data(), part.size(), 0};
  do {
    out.pos = 0;
    checked(ZSTD_decompressStream(context.get(), &out, &in));
    text.append(part.data(), out.pos);
  } while (in.pos < in.size || out.pos == out.size);
  return text;
}

std::string last_line_of(std::string_view text) {
  if (text.empty()) return "";
  text.remove_suffix(1);
  return std::string(text.substr(text.rfind('\n') + 1));
}

}  // namespace

void Frame::Free::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

Frame::Frame() : context_(ZSTD_createCCtx()) {
  if (!context_) throw std::bad_alloc();
  checked(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kLevel));
  checked(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog, kWindowLog));
}

Frame::~Frame() = default;

std::string Frame::add(std::string_view text) {
  std::string packed(ZSTD_compressBound(text.size()) + ZSTD_CStreamOutSize(), '\0');
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer out{packed.data(), packed.size(), 0};
  while (checked(ZSTD_compressStream2(context_.get(), &out, &in, ZSTD_e_flush)) != 0) {
    packed.resize(2 * packed.size());
    out.dst = packed.data();
    out.size = packed.size();
  }
  packed.resize(out.pos);
  return packed;
}

Tail tail_of(std::string_view file) {
  Tail tail;
  std::string_view last_whole;
  while (tail.whole_bytes < file.size()) {
    const std::string_view rest = file.substr(tail.whole_bytes);
    const std::size_t size = ZSTD_findFrameCompressedSize(rest.data(), rest.size());
    if (ZSTD_isError(size) == 0) {
      last_whole = rest.substr(0, size);
      tail.whole_bytes += size;
      continue;
    }
    const std::size_t known = std::min(rest.size(), kFrameBegin.size());
    if (rest.substr(0, known) != kFrameBegin.substr(0, known)) {
      throw std::runtime_error(
          fmt::format("what stands after byte {} is not tlblab's", tail.whole_bytes));
    }
    // A commit may be several blocks, and may be cut off between them, in the middle of a line.
    for (std::vector<std::size_t> ends = block_ends(rest); !ends.empty(); ends.pop_back()) {
      const std::string text = decoded(rest.substr(0, ends.back()));
      if (text.empty() || text.back() != '\n') continue;
      tail.whole_bytes += ends.back();
      tail.open = true;
      tail.last_line = last_line_of(text);
      return tail;
    }
    break;
  }
  if (!last_whole.empty()) tail.last_line = last_line_of(decoded(last_whole));
  return tail;
}

}  // namespace tlblab::records
