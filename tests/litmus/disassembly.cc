// SPDX-License-Identifier: GPL-2.0-only
#include "tests/litmus/disassembly.hh"

#include <algorithm>
#include <regex>
#include <set>

namespace tlblab::litmus {

namespace {

constexpr u64 kInstructionBytes = 4;

Address after(const Address& address) {
  return {address.section, address.offset + kInstructionBytes};
}

std::string name_of(const std::string& text) { return text.substr(0, text.find(' ')); }

u64 parse_hex(const std::string& text) { return std::stoull(text, nullptr, 16); }

}  // namespace

Disassembly::Disassembly(std::istream& in) {
  static const std::regex section_line("Disassembly of section (.*):");
  static const std::regex function_line("([0-9a-f]+) <(.*)>:");
  static const std::regex relocation_line("\\s+[0-9a-f]+: (R_AARCH64_\\S+)\\s+(\\S+)");
  static const std::regex records_line("RELOCATION RECORDS FOR \\[(.*)\\]:");
  static const std::regex record_line("([0-9a-f]+) (R_AARCH64_PREL32)\\s+(\\S+)\\s*");
  std::string line;
  std::string section;
  std::string records;
  std::map<std::string, std::map<u64, std::string>> pairs;
  std::smatch match;
  while (std::getline(in, line)) {
    if (std::regex_match(line, match, section_line)) {
      section = match[1];
    } else if (std::regex_match(line, match, function_line)) {
      // "name-0x8": the padding in front of a function is not a function.
      last_ = {section, parse_hex(match[1])};
      if (match[2].str().find("-0x") == std::string::npos) functions_[match[2]] = last_;
    } else if (std::regex_match(line, match, relocation_line)) {
      relocations_[last_] = match[2];
    } else if (std::regex_match(line, match, records_line)) {
      records = match[1];
    } else if (!records.empty() && std::regex_match(line, match, record_line)) {
      pairs[records][parse_hex(match[1])] = match[3];
    } else if (records.empty() && !section.empty()) {
      last_.section = section;
      add_instruction(line);
    }
  }

  // struct alt_instr: 12 bytes that begin with the two places; struct jump_entry: 16, likewise.
  std::vector<Patch> replaced;
  std::vector<Patch> jumps;
  for (const auto& [name, records_of] : pairs) {
    const u64 size = name == ".altinstructions" ? 12 : 16;
    for (const auto& [offset, target] : records_of) {
      if (offset % size != 0) continue;
      const auto second = records_of.find(offset + 4);
      if (second == records_of.end()) give_up(name + " is not what it was");
      (size == 12 ? replaced : jumps)
          .push_back({parse_target(target), parse_target(second->second)});
    }
  }
  link(replaced, jumps);
}

const Instruction* Disassembly::at(const Address& address) const {
  const auto found = instructions_.find(address);
  return found == instructions_.end() ? nullptr : &found->second;
}

void Disassembly::add_instruction(const std::string& line) {
  static const std::regex instruction_line("\\s+([0-9a-f]+):\\t(.*)");
  std::smatch match;
  if (!std::regex_match(line, match, instruction_line)) return;
  last_.offset = parse_hex(match[1]);
  std::string text = match[2];
  text = text.substr(0, text.find("//"));
  std::replace(text.begin(), text.end(), '\t', ' ');
  text.erase(text.find_last_not_of(' ') + 1);
  instructions_[last_].text = text;
}

/// "name", "name+0x8", or ".text+0x8".
Address Disassembly::parse_target(const std::string& target) const {
  const auto plus = target.find('+');
  const std::string base = target.substr(0, plus);
  const u64 offset = plus == std::string::npos ? 0 : parse_hex(target.substr(plus + 1));
  const auto function = functions_.find(base);
  if (function == functions_.end()) return {base, offset};
  return {function->second.section, function->second.offset + offset};
}

void Disassembly::link_flow(const Address& address, Instruction& instruction) {
  static const std::regex conditional("b\\.\\w+|bc\\.\\w+|cbn?z|tbn?z");
  static const std::regex local_target(".*?([0-9a-f]+) <[^>]*>");
  const std::string name = name_of(instruction.text);
  const auto relocation = relocations_.find(address);
  const bool is_call = name == "bl";
  const bool is_branch = std::regex_match(name, conditional);
  if (name == "ret" || name == "retaa" || name == "retab" || name == "eret") {
    instruction.returns = true;
  } else if (name == "br" || name.starts_with("bra")) {
    instruction.is_unknown_jump = true;
  } else if (is_call || name == "b" || is_branch) {
    std::smatch match;
    Address target;
    if (relocation != relocations_.end()) {
      target = parse_target(relocation->second);
    } else if (std::regex_match(instruction.text, match, local_target)) {
      target = {address.section, parse_hex(match[1])};
    }
    const bool is_here = instructions_.contains(target);
    if (!is_here && relocation == relocations_.end()) give_up("where to? " + instruction.text);
    if (!is_here) instruction.callee = relocation->second;
    if (is_call && is_here) instruction.calls.push_back(target);
    if (!is_call && is_here) instruction.next.push_back(target);
    if (!is_call && !is_here) instruction.returns = true;  // another function does
    // What a function whose stack is broken calls does not return.
    const bool goes_on = is_branch || (is_call && instruction.callee != "__stack_chk_fail");
    if (goes_on) instruction.next.push_back(after(address));
  } else if (name != "brk" && name != "udf") {
    instruction.next.push_back(after(address));
  }
}

void Disassembly::link(const std::vector<Patch>& replaced, const std::vector<Patch>& jumps) {
  for (auto& [address, instruction] : instructions_) link_flow(address, instruction);
  // Replacements lie behind the last function, one after the other, and are as long as what they
  // replace.
  std::set<Address> starts;
  for (const Patch& patch : replaced) starts.insert(patch.replacement);
  for (const Patch& patch : replaced) {
    const auto original = instructions_.find(patch.original);
    if (original == instructions_.end()) continue;
    if (!instructions_.contains(patch.replacement)) {
      // Not instructions but a function, which writes them. The one that there is for code like
      // ours, alt_cb_patch_nops(), writes nothing else but NOP.
      original->second.next.push_back(after(patch.original));
      continue;
    }
    original->second.next.push_back(patch.replacement);
    Address at_original = patch.original;
    for (Address here = patch.replacement;; here = after(here)) {
      const auto instruction = instructions_.find(here);
      if (instruction == instructions_.end()) break;
      at_original = after(at_original);
      std::vector<Address>& next = instruction->second.next;
      const bool is_last = starts.contains(after(here)) || !instructions_.contains(after(here));
      if (!is_last) continue;
      std::replace(next.begin(), next.end(), after(here), at_original);
      break;
    }
  }
  for (const Patch& patch : jumps) {
    const auto original = instructions_.find(patch.original);
    if (original != instructions_.end()) original->second.next.push_back(patch.replacement);
  }
}

}  // namespace tlblab::litmus
