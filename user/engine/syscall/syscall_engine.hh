// SPDX-License-Identifier: GPL-2.0-only
// Engine `syscall`: the stock kernel seen from outside, on ordinary anonymous memory. Needs no
// root.
#pragma once

#include "user/engine/engine.hh"

namespace tlblab {

class SyscallEngine final : public Engine {
 public:
  SyscallEngine();

  [[nodiscard]] std::string_view name() const override { return "syscall"; }
  [[nodiscard]] std::span<const SchemeInfo> schemes() const override { return schemes_; }
  [[nodiscard]] std::shared_ptr<const Scheme> parse(std::string_view name) const override;
  [[nodiscard]] std::unique_ptr<Workspace> open(
      const Shape& shape, std::span<const Scheme* const> schemes) const override;

 private:
  std::vector<SchemeInfo> schemes_;
};

}  // namespace tlblab
