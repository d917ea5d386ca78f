// SPDX-License-Identifier: GPL-2.0-only
// /dev/tlblab: an open file of it, its calls, and in words why one can't be had.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "include/tlblab/abi.h"
#include "user/model/address_range.hh"

namespace tlblab {

/// What was found where the device should be, for lab_problem().
struct LabEvidence {
  int open_error = 0;            ///< errno of open(), or 0
  int query_error = 0;           ///< errno of TLBLAB_QUERY, or 0
  unsigned abi_version = 0;      ///< what the module answered
  bool module_loaded = false;    ///< /sys/module/tlblab
  bool headers = false;          ///< the running kernel's build folder is there
  std::string unsigned_refused;  ///< why this kernel refuses unsigned modules, or empty
  std::string how_to_be_taken;   ///< and what to do then
  std::string kernel;            ///< uname -r
};

/// Why the lab can't be used, and what to do; empty when it can.
std::string lab_problem(const LabEvidence& evidence);

/// Why what the module knows of pages is not what this process lays its VMAs out by, which has
/// pages of `page_bytes` and tables of `per_table` of them; empty when it is.
std::string page_problem(const tlblab_capabilities& can, std::size_t page_bytes,
                         std::size_t per_table);

/// The module in words, for `info`: what it can, and whether its frames' books balance.
std::vector<std::pair<std::string, std::string>> describe_lab(const tlblab_capabilities& can,
                                                              const tlblab_totals& totals);

/// One open file of the device: an arena of its own.
class LabDevice {
 public:
  /// Throws Error(kMachine) with lab_problem()'s words.
  LabDevice();
  ~LabDevice();
  LabDevice(const LabDevice&) = delete;
  LabDevice& operator=(const LabDevice&) = delete;

  [[nodiscard]] const tlblab_capabilities& capabilities() const { return capabilities_; }

  /// Maps the arena's bytes from `offset` on to exactly `range`, over whatever is there. Throws
  /// Error(kMachine).
  void map(const AddressRange& range, std::uint64_t offset) const;

  /// Gives every entry a frame, of the calling CPU's node. `flags`: of tlblab_populate. Throws
  /// Error(kMachine).
  void populate(std::span<const tlblab_range> ranges, std::uint32_t flags = 0) const;

  /// One TLBLAB_PERFORM, nothing else. Returns 0 or the errno.
  int perform(tlblab_request& request) const noexcept;

  /// The module's books. Throws Error(kMachine).
  [[nodiscard]] tlblab_totals totals() const;

 private:
  int fd_ = -1;
  tlblab_capabilities capabilities_{};
};

}  // namespace tlblab
