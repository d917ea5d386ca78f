// SPDX-License-Identifier: GPL-2.0-only
// The interface behind which an engine plugs in: prepare a shape, perform a scheme on it, report.
//
// An engine owns the memory of a trial. The experiment owns the time: it calls prepare() outside
// the timed window, perform() inside, and neither knows of responders, clocks or statistics.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "user/model/account.hh"
#include "user/model/address_range.hh"
#include "user/model/expectation.hh"
#include "user/model/scheme_info.hh"
#include "user/model/shape.hh"

namespace tlblab {

/// One scheme with its parameters chosen. Immutable.
class Scheme {
 public:
  explicit Scheme(SchemeInfo info) : info_(std::move(info)) {}
  virtual ~Scheme() = default;
  Scheme(const Scheme&) = delete;
  Scheme& operator=(const Scheme&) = delete;

  [[nodiscard]] const SchemeInfo& info() const { return info_; }
  [[nodiscard]] virtual Expectation expect(const Shape& shape) const = 0;
  /// Full name of the scheme by which the stock kernel does the same; empty: there is none.
  [[nodiscard]] virtual std::string twin() const { return ""; }

 private:
  SchemeInfo info_;
};

/// One prepared piece of memory, reused for every trial of a cell. Not thread-safe: all calls come
/// from the initiator thread, pinned, in the process that made it.
class Workspace {
 public:
  virtual ~Workspace() = default;

  /// Maps and populates every page, each tagged with `tag` in its first 8 bytes. Undoes whatever
  /// the trial before left behind. Throws Error(kMachine) when memory or address space run out.
  virtual void prepare(std::uint64_t tag) = 0;

  /// The timed operation: nothing but the scheme's own system calls, no allocation. `which` counts
  /// in the list that the workspace was opened with. Returns 0 or the errno of the first call that
  /// failed; the caller then stops the cell.
  virtual int perform(std::size_t which) noexcept = 0;

  /// Whether perform() shall also measure the parts of its time, where the engine can: those then
  /// are terms of the account. Costs clock reads; off at first.
  virtual void time_phases(bool /*on*/) {}

  /// What the engine counted of the last perform(), after it; empty when it can't look inside.
  [[nodiscard]] virtual Account account() const { return {}; }

  /// What to do about an errno of perform(), one sentence or two.
  [[nodiscard]] virtual std::string advice(int error) const;

  /// The ranges that prepare() populates, constant for the workspace's life: what responders touch.
  [[nodiscard]] virtual std::span<const AddressRange> ranges() const = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Without parameters.
  [[nodiscard]] virtual std::span<const SchemeInfo> schemes() const = 0;
  [[nodiscard]] virtual std::span<const ParameterInfo> parameters() const { return {}; }
  /// The scheme of that name, which may carry parameters; null when its name is none of ours.
  /// Throws Error(kUsage) for parameters that there aren't or that don't go together.
  [[nodiscard]] virtual std::shared_ptr<const Scheme> parse(std::string_view name) const = 0;
  /// A workspace of that shape for the calling process, for schemes that parse() gave.
  /// Throws Error(kMachine).
  [[nodiscard]] virtual std::unique_ptr<Workspace> open(
      const Shape& shape, std::span<const Scheme* const> schemes) const = 0;
  /// Whether times of its schemes mean something alone. If not, they are measured and shown only
  /// beside those of Scheme::twin() on the same shape.
  [[nodiscard]] virtual bool times_stand_alone() const { return true; }
};

}  // namespace tlblab
