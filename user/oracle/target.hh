// SPDX-License-Identifier: GPL-2.0-only
// What a round works on: pages that carry tags, and calls that take them away. The lab's is made by
// the module; tests make theirs of a file, to show that witnesses see what there is to see.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "include/tlblab/abi.h"
#include "user/lab/lab_scheme.hh"
#include "user/model/shape.hh"
#include "user/oracle/load.hh"

namespace tlblab::oracle {

/// What one cell checks.
struct CheckCell {
  LabComposition scheme;
  Load load = Load::kOneInitiator;
  std::uint32_t fault = 0;  ///< enum tlblab_fault; 0: none, the scheme is sound
  bool defused = false;     ///< named after the fault, which is not planted; for tests
};

class Target {
 public:
  virtual ~Target() = default;

  [[nodiscard]] virtual const std::vector<AddressRange>& ranges() const = 0;

  /// Every page present, its tag live and new. No witness reads meanwhile. Throws Error(kMachine).
  virtual void populate() = 0;

  /// The call of one initiator; with two, at the same time from two threads. 0 or the errno.
  virtual int perform(unsigned initiator) noexcept = 0;

  /// Makes every CPU forget what it holds of this process, by a flush that isn't under suspicion.
  /// No call runs meanwhile. Throws Error(kMachine).
  virtual void scrub() = 0;
};

/// Makes targets.
class TargetFactory {
 public:
  virtual ~TargetFactory() = default;

  /// Throws Error(kMachine).
  [[nodiscard]] virtual std::unique_ptr<Target> open(const CheckCell& cell) const = 0;

  /// Frames written to after their release, since the module was loaded. No target is open.
  [[nodiscard]] virtual std::uint64_t stale_writes() const = 0;
};

/// Targets of the module's memory: an arena each, of one shape for all.
class LabTargets final : public TargetFactory {
 public:
  /// Throws Error(kMachine) without a module that has the oracle.
  explicit LabTargets(const Shape& shape);
  [[nodiscard]] const tlblab_capabilities& capabilities() const { return can_; }
  [[nodiscard]] std::unique_ptr<Target> open(const CheckCell& cell) const override;
  [[nodiscard]] std::uint64_t stale_writes() const override;

 private:
  Shape shape_;
  tlblab_capabilities can_{};
};

}  // namespace tlblab::oracle
