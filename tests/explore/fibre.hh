// SPDX-License-Identifier: GPL-2.0-only
// Fibres: functions that can be left in the middle and resumed there, more than once.
//
// A fibre's whole mutable state is its stack, from its stack pointer up, so that a copy of these
// bytes is a snapshot of it: the search saves them before a step and puts them back after. That
// holds only if the function keeps nothing elsewhere: no heap, no global. Stacks never move. An
// abandoned fibre is never unwound.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace tlblab::explore {

class Fibre {
 public:
  static constexpr std::size_t kStackBytes = std::size_t{32} * 1024;

  Fibre();
  Fibre(const Fibre&) = delete;
  Fibre& operator=(const Fibre&) = delete;

  /// Sets it to the start of `body`, which must outlive it. Nothing runs yet.
  void start(const std::function<void()>* body);
  /// Runs it until it calls leave(), or its body returns. Not from within a fibre.
  void resume();
  /// Returns to the caller of resume(). Only from within this fibre.
  void leave();

  /// The bytes that are its state, as long as it is not running.
  [[nodiscard]] std::byte* stack_pointer() const { return static_cast<std::byte*>(sp_); }
  [[nodiscard]] std::size_t stack_used() const {
    return static_cast<std::size_t>(top_ - stack_pointer());
  }
  void set_stack_pointer(std::byte* sp) { sp_ = sp; }

 private:
  static void enter(Fibre* self);

  std::unique_ptr<std::byte[]> memory_;
  std::byte* top_;
  void* sp_ = nullptr;
  void* resumer_sp_ = nullptr;
  const std::function<void()>* body_ = nullptr;
};

}  // namespace tlblab::explore
