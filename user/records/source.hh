// SPDX-License-Identifier: GPL-2.0-only
// The bytes of a result file, whatever it is packed with.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace tlblab::records {

class Source {
 public:
  virtual ~Source() = default;
  /// Returns how many bytes it put into `into`; 0 at the end, which may come early in a file that
  /// was cut off. Throws Error(kUsage): damaged, or not readable.
  virtual std::size_t read(std::span<char> into) = 0;
};

/// By what the file begins with: zstd, gzip, or neither. Throws Error(kUsage): not there.
std::unique_ptr<Source> open_source(const std::string& path);

}  // namespace tlblab::records
