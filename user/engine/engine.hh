// SPDX-License-Identifier: GPL-2.0-only
// The interface behind which an engine plugs in: prepare a shape, perform a scheme on it, report.
//
// An engine owns the memory of a trial. The experiment owns the time: it calls prepare() outside
// the timed window, perform() inside, and neither knows of responders, clocks or statistics.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "user/workload/address_range.hh"
#include "user/workload/shape.hh"

namespace tlblab {

/// A scheme as the user names it: "munmap:merged", or with its engine "syscall/munmap:merged".
struct SchemeInfo {
  std::string name;         ///< "<operation>:<gather>", unique within the engine
  std::string summary;      ///< one line: what is called, how often
  std::string stands_for;   ///< where the idea comes from: thread, commit or kernel version
  std::string unavailable;  ///< empty, or why this machine can't do it and what would be needed
};

/// What one call of a scheme must cause, from the engine's knowledge of the kernel (design.md's
/// table of requests). Empty where the engine can't know.
struct ExpectedFlushes {
  std::optional<std::uint64_t> requests;      ///< flush requests per operation, exact
  std::optional<std::uint64_t> extent_pages;  ///< pages between the bounds of one request
  std::string note;                           ///< where the number comes from
};

/// One prepared piece of memory, reused for every trial of a cell. Not thread-safe: all calls come
/// from the initiator thread, pinned, in the process that made it.
class Workspace {
 public:
  virtual ~Workspace() = default;

  /// Maps and populates every page, each tagged with `tag` in its first 8 bytes. Undoes whatever
  /// the trial before left behind. Throws Error(kMachine) when memory or address space run out.
  virtual void prepare(std::uint64_t tag) = 0;

  /// The timed operation: nothing but the scheme's own system calls, no allocation. Returns 0 or
  /// the errno of the first call that failed; the caller then stops the cell.
  virtual int perform(std::size_t scheme) noexcept = 0;

  /// The ranges that prepare() populates, constant for the workspace's life: what responders touch.
  [[nodiscard]] virtual std::span<const AddressRange> ranges() const = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual std::span<const SchemeInfo> schemes() const = 0;
  [[nodiscard]] virtual ExpectedFlushes expect(std::size_t scheme, const Shape& shape) const = 0;
  /// A workspace of that shape for the calling process. Throws Error(kMachine).
  [[nodiscard]] virtual std::unique_ptr<Workspace> open(const Shape& shape) const = 0;
};

/// Every engine that this build has, in the order `list` shows them.
std::span<const Engine* const> engines();

/// A scheme found by name.
struct SchemeRef {
  const Engine* engine = nullptr;
  std::size_t index = 0;

  [[nodiscard]] const SchemeInfo& info() const { return engine->schemes()[index]; }
  [[nodiscard]] std::string full_name() const;  ///< "syscall/munmap:merged"
};

/// Accepts "munmap:merged" or "syscall/munmap:merged". Throws Error(kUsage) listing what exists, or
/// Error(kMachine) with the reason when the scheme exists but this machine can't do it.
SchemeRef find_scheme(std::string_view name);

}  // namespace tlblab
