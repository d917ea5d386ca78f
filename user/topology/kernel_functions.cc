// SPDX-License-Identifier: GPL-2.0-only
// Reading and parsing /proc/kallsyms.
#include "user/topology/kernel_functions.hh"

#include <algorithm>
#include <charconv>

#include "user/topology/kernel_files.hh"

namespace tlblab {

KernelFunctions parse_kernel_functions(std::string_view kallsyms,
                                       const std::vector<std::string>& names) {
  KernelFunctions functions;
  while (!kallsyms.empty()) {
    // "ADDRESS t flush_tlb_func", and of a module's a tab and "[module]" behind it.
    const std::string_view line = kallsyms.substr(0, kallsyms.find('\n'));
    kallsyms.remove_prefix(std::min(kallsyms.size(), line.size() + 1));
    const auto type = line.find(' ');
    if (type == std::string_view::npos || line.size() < type + 4) continue;
    if (line[type + 1] != 't' && line[type + 1] != 'T') continue;
    const std::string_view name = line.substr(type + 3);
    const auto wanted = std::find(names.begin(), names.end(), name);
    if (wanted == names.end()) continue;
    std::uint64_t address = 0;
    const auto parsed = std::from_chars(line.data(), line.data() + type, address, 16);
    if (parsed.ec == std::errc{}) functions.addresses[*wanted] = address;
  }
  return functions;
}

KernelFunctions read_kernel_functions(const std::vector<std::string>& names) {
  const FileText kallsyms = read_kernel_file("/proc/kallsyms");
  if (kallsyms.ok() && !kallsyms.text.empty()) return parse_kernel_functions(kallsyms.text, names);
  KernelFunctions unknown;
  unknown.problem = kallsyms.ok() ? "/proc/kallsyms is empty" : kallsyms.problem;
  return unknown;
}

}  // namespace tlblab
