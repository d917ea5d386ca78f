// SPDX-License-Identifier: GPL-2.0-only
// What objdump says of an arm64 object, as a graph: which instruction can follow which.
#pragma once

#include <compare>
#include <istream>
#include <map>
#include <string>
#include <vector>

#include "tests/litmus/test.hh"

namespace tlblab::litmus {

struct Address {
  std::string section;
  u64 offset = 0;
  auto operator<=>(const Address&) const = default;
};

struct Instruction {
  std::string text;            ///< "dsb ish": the name and the operands, without comments
  std::string callee;          ///< called, or jumped to, in another object; or empty
  std::vector<Address> next;   ///< empty: it returns, or nothing comes after
  std::vector<Address> calls;  ///< a function of this object that is called before
  bool returns = false;
  bool is_unknown_jump = false;  ///< to an address in a register
};

class Disassembly {
 public:
  /// Of `objdump -dr --no-show-raw-insn`, and `objdump -r -j .altinstructions -j __jump_table` of
  /// the same object after it. The kernel patches some instructions at boot: both the original and
  /// the replacement are possible paths.
  explicit Disassembly(std::istream& in);

  [[nodiscard]] const std::map<std::string, Address>& functions() const { return functions_; }
  /// Null if there is nothing.
  [[nodiscard]] const Instruction* at(const Address& address) const;

 private:
  struct Patch {
    Address original;
    Address replacement;
  };

  void add_instruction(const std::string& line);
  void add_relocation(const std::string& type, const std::string& target);
  void link(const std::vector<Patch>& replaced, const std::vector<Patch>& jumps);
  void link_flow(const Address& address, Instruction& instruction);
  [[nodiscard]] Address parse_target(const std::string& target) const;

  std::map<std::string, Address> functions_;
  std::map<Address, Instruction> instructions_;
  std::map<Address, std::string> relocations_;
  Address last_;
};

}  // namespace tlblab::litmus
