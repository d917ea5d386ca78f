// SPDX-License-Identifier: GPL-2.0-only
// A litmus test in the making, for herd7's AArch64 with page tables (variant vmsa): one column of
// instructions for each CPU, and the outcome in question.
#pragma once

#include <string>
#include <vector>

#include "kmod/core/platform.hh"

namespace tlblab::litmus {

using core::u32;
using core::u64;

/// Pages of a test. In it page 0 is called x and page 1 y; each is mapped at that address, and its
/// frame also at x_next and y_next: that is where its next owner has it.
inline constexpr u32 kMaxPages = 2;
std::string page_name(u32 page);

// What a page holds.
inline constexpr u32 kOldData = 1;
inline constexpr u32 kNextOwnersData = 2;  ///< the next owner has written it
inline constexpr u32 kStaleData = 3;       ///< written through the old translation

/// The code of one CPU.
class Column {
 public:
  explicit Column(u32 cpu) : cpu_(cpu) {}

  void emit(const std::string& instruction) { lines_.push_back(instruction); }

  /// The number of a register that nothing else uses.
  u32 fresh();
  /// That of one which holds this from the beginning: an address, an entry's address or its value.
  u32 holding(const std::string& value);
  /// Emits what sets a fresh one, for 32 bits.
  u32 constant(u64 value);
  /// This register, in conditions.
  [[nodiscard]] std::string in_condition(u32 number) const;

  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  [[nodiscard]] std::string initial_values() const;

 private:
  struct Initial {
    std::string value;
    u32 number;
  };

  u32 cpu_;
  u32 nr_registers_ = 0;
  std::vector<Initial> initial_;
  std::vector<std::string> lines_;
};

// The instructions' names for a register's 64 and lower 32 bits, and for memory at its address.
std::string x(u32 number);
std::string w(u32 number);
std::string at(u32 number);

class Test {
 public:
  Test(u32 nr_cpus, u32 nr_pages);

  Column& column(u32 cpu) { return columns_[cpu]; }
  [[nodiscard]] u32 nr_pages() const { return nr_pages_; }

  /// The outcome in question needs this register to have this value in the end: otherwise the code
  /// would have taken another path than the one written down.
  void on_path(u32 cpu, u32 number, u64 value);
  /// Any of these, on that path, is a violation.
  void violation(u32 cpu, u32 number, u64 value);

  /// `comment`: lines of text.
  [[nodiscard]] std::string text(const std::string& name, const std::string& comment) const;

 private:
  u32 nr_pages_;
  std::vector<Column> columns_;
  std::vector<std::string> path_;
  std::vector<std::string> violations_;
};

/// Reports what is wrong with a scenario; does not return.
[[noreturn]] void give_up(const std::string& why);

}  // namespace tlblab::litmus
