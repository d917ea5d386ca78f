// SPDX-License-Identifier: GPL-2.0-only
#include "tests/litmus/test.hh"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace tlblab::litmus {

namespace {

std::string join(const std::vector<std::string>& terms, const char* with) {
  std::string all;
  for (const std::string& term : terms) all += (all.empty() ? "" : with) + term;
  return all;
}

/// "x_next", the alias of frame x; and so on.
std::string alias_name(u32 page) { return page_name(page) + "_next"; }

}  // namespace

void give_up(const std::string& why) {
  std::fprintf(stderr, "litmus: %s\n", why.c_str());
  std::exit(2);
}

std::string page_name(u32 page) { return page == 0 ? "x" : "y"; }
std::string x(u32 number) { return "X" + std::to_string(number); }
std::string w(u32 number) { return "W" + std::to_string(number); }
std::string at(u32 number) { return "[" + x(number) + "]"; }

u32 Column::fresh() {
  // Without the link register and the stack pointer, for the reader's sake.
  if (nr_registers_ == 30) give_up("a column needs more registers than there are");
  return nr_registers_++;
}

u32 Column::holding(const std::string& value) {
  for (const Initial& initial : initial_) {
    if (initial.value == value) return initial.number;
  }
  initial_.push_back({value, fresh()});
  return initial_.back().number;
}

u32 Column::constant(u64 value) {
  const u32 number = fresh();
  emit("MOV " + w(number) + ",#" + std::to_string(value));
  return number;
}

std::string Column::in_condition(u32 number) const {
  return std::to_string(cpu_) + ":" + x(number);
}

std::string Column::initial_values() const {
  std::string all;
  for (const Initial& initial : initial_) {
    all += " " + in_condition(initial.number) + "=" + initial.value + ";";
  }
  return all;
}

Test::Test(u32 nr_cpus, u32 nr_pages) : nr_pages_(nr_pages) {
  for (u32 cpu = 0; cpu < nr_cpus; ++cpu) columns_.emplace_back(cpu);
}

void Test::on_path(u32 cpu, u32 number, u64 value) {
  path_.push_back(columns_[cpu].in_condition(number) + "=" + std::to_string(value));
}

void Test::violation(u32 cpu, u32 number, u64 value) {
  violations_.push_back(columns_[cpu].in_condition(number) + "=" + std::to_string(value));
}

std::string Test::text(const std::string& name, const std::string& comment) const {
  std::ostringstream out;
  out << "AArch64 " << name << "\nVariant=vmsa,fatal\n(*\n" << comment << "*)\n{\n";
  for (u32 page = 0; page < nr_pages_; ++page) {
    const std::string frame = "oa:PA(" + page_name(page) + ")";
    out << " int " << page_name(page) << "=" << kOldData
        << ";\n"
        // db: writable, and no write faults for the sake of the dirty bit.
        << " [PTE(" << page_name(page) << ")]=(" << frame << ",db:1);\n"
        << " [PTE(" << alias_name(page) << ")]=(" << frame << ",db:1);\n";
  }
  std::size_t height = 0;
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) {
    if (!column.initial_values().empty()) out << column.initial_values() << "\n";
    height = std::max(height, column.lines().size());
    widths.push_back(2);
    for (const std::string& line : column.lines()) {
      widths.back() = std::max(widths.back(), line.size());
    }
  }
  out << "}\n";
  for (std::size_t row = 0; row <= height; ++row) {
    for (std::size_t cpu = 0; cpu < columns_.size(); ++cpu) {
      const std::vector<std::string>& lines = columns_[cpu].lines();
      std::string cell = row == 0 ? "P" + std::to_string(cpu) : "";
      if (row != 0 && row <= lines.size()) cell = lines[row - 1];
      cell.resize(widths[cpu], ' ');
      out << (cpu == 0 ? " " : " | ") << cell;
    }
    out << " ;\n";
  }
  std::vector<std::string> terms = path_;
  terms.push_back("(" + join(violations_, " \\/ ") + ")");
  out << "exists (" << join(terms, " /\\ ") << ")\n";
  return out.str();
}

}  // namespace tlblab::litmus
