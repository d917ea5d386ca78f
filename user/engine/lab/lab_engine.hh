// SPDX-License-Identifier: GPL-2.0-only
// Engine `lab`: the module's own gathers on the module's own memory, through include/tlblab/abi.h.
#pragma once

#include "user/engine/engine.hh"
#include "user/lab/lab_scheme.hh"

namespace tlblab {

class LabScheme final : public Scheme {
 public:
  LabScheme(const LabComposition& composition, const LabMachine& machine, std::string unavailable)
      : Scheme(lab_scheme_info(composition, std::move(unavailable))),
        composition_(composition),
        machine_(machine) {}
  [[nodiscard]] Expectation expect(const Shape& shape) const override {
    return expect_lab(composition_, shape, machine_);
  }
  [[nodiscard]] std::string twin() const override { return lab_twin(composition_); }
  [[nodiscard]] const LabComposition& composition() const { return composition_; }

 private:
  LabComposition composition_;
  LabMachine machine_;
};

class LabEngine final : public Engine {
 public:
  /// Asks the module what it can; without one every scheme carries the reason.
  LabEngine();

  [[nodiscard]] std::string_view name() const override { return "lab"; }
  [[nodiscard]] std::span<const SchemeInfo> schemes() const override { return schemes_; }
  [[nodiscard]] std::span<const ParameterInfo> parameters() const override;
  [[nodiscard]] std::shared_ptr<const Scheme> parse(std::string_view name) const override;
  [[nodiscard]] std::unique_ptr<Workspace> open(
      const Shape& shape, std::span<const Scheme* const> schemes) const override;
  /// The lab has no rmap, LRU, memcg or reference counts: its times are not the kernel's.
  [[nodiscard]] bool times_stand_alone() const override { return false; }

 private:
  tlblab_capabilities can_{};
  std::string unavailable_;
  std::vector<SchemeInfo> schemes_;
};

}  // namespace tlblab
