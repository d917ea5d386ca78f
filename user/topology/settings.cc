// SPDX-License-Identifier: GPL-2.0-only
// Reading the kernel settings that change what a run measures.
#include "user/topology/settings.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <system_error>

#include "user/model/cpu_list.hh"
#include "user/topology/kernel_files.hh"
#include "user/topology/placement.hh"

namespace tlblab {
namespace {

constexpr const char* kThp = "/sys/kernel/mm/transparent_hugepage";
constexpr const char* kCpu = "/sys/devices/system/cpu";

std::vector<std::string> sorted_entries(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string huge_pages(const std::string& root) {
  const FileText enabled = read_kernel_file(root + kThp + "/enabled");
  return enabled.ok() ? bracketed_choice(enabled.text) : "not built in (" + enabled.problem + ")";
}

/// The sizes that may be used besides the classic one (kernels from 6.8); "none" if all say never.
std::string multi_size_huge_pages(const std::string& root) {
  const FileText pmd_bytes = read_kernel_file(root + kThp + "/hpage_pmd_size");
  const std::string pmd_size =
      fmt::format("hugepages-{}kB", std::strtoull(pmd_bytes.text.c_str(), nullptr, 10) / 1024);
  std::string sizes;
  bool any_known = false;
  for (const std::string& entry : sorted_entries(root + kThp)) {
    if (entry.rfind("hugepages-", 0) != 0) continue;
    const FileText enabled = read_kernel_file(fmt::format("{}{}/{}/enabled", root, kThp, entry));
    if (!enabled.ok()) continue;
    any_known = true;
    const std::string choice = bracketed_choice(enabled.text);
    // The classic size follows the switch above, which is shown on its own.
    if (choice == "never" || (choice == "inherit" && entry == pmd_size)) continue;
    sizes += fmt::format("{}{} {}", sizes.empty() ? "" : ", ", entry.substr(10), choice);
  }
  if (!any_known) return "not in this kernel";
  return sizes.empty() ? "none" : sizes;
}

/// "performance on CPUs 0-3; powersave on CPUs 4-7".
std::string governors(const std::vector<int>& cpus, const std::string& root) {
  std::map<std::string, std::vector<int>> cpus_of;
  for (const int cpu : cpus) {
    const FileText governor =
        read_kernel_file(fmt::format("{}{}/cpu{}/cpufreq/scaling_governor", root, kCpu, cpu));
    cpus_of[governor.ok() ? governor.text : ""].push_back(cpu);
  }
  std::string text;
  for (const auto& [governor, list] : cpus_of) {
    text += fmt::format("{}{} on CPUs {}", text.empty() ? "" : "; ",
                        governor.empty() ? "no cpufreq" : governor, format_cpu_list(list));
  }
  return text;
}

std::string turbo(const std::string& root) {
  const FileText boost = read_kernel_file(root + kCpu + "/cpufreq/boost");
  if (boost.ok()) return boost.text == "1" ? "on" : "off";
  const FileText no_turbo = read_kernel_file(root + kCpu + "/intel_pstate/no_turbo");
  if (no_turbo.ok()) return no_turbo.text == "1" ? "off" : "on";
  return "unknown: the kernel shows no switch for it";
}

/// A number, and next to it what it means for us.
std::string overcommit(const std::string& root) {
  const FileText mode = read_kernel_file(root + "/proc/sys/vm/overcommit_memory");
  if (mode.text == "0") return "0 (heuristic)";
  if (mode.text == "1") return "1 (always)";
  if (mode.text == "2") return "2 (strict)";
  return text_or_problem(mode);
}

std::string numa_balancing(const std::string& root) {
  const FileText mode = read_kernel_file(root + "/proc/sys/kernel/numa_balancing");
  if (!mode.ok()) return "not in this kernel";
  return mode.text == "0" ? "off" : "on (" + mode.text + ")";
}

/// Whether `name` is `pattern`, or begins with a pattern that ends in '*'.
bool name_matches(std::string_view name, std::string_view pattern) {
  if (pattern.back() != '*') return name == pattern;
  pattern.remove_suffix(1);
  return name.substr(0, pattern.size()) == pattern;
}

/// Parameters whose values name a disk, a host, a network, a user or a secret, or a program of the
/// owner's. The others are settings of the kernel, which a reader of a result needs.
bool is_identifying(std::string_view name) {
  constexpr std::array<std::string_view, 31> patterns = {
      "root",    "resume",      "init",    "rdinit",    "initrd", "ip",     "nfs*",
      "nfsroot", "ds",          "rd.*",    "systemd.*", "luks*",  "crypt*", "hostname",
      "host",    "netconsole*", "ifname*", "bootif",    "BOOTIF", "vlan*",  "bond*",
      "bridge*", "nameserver*", "seed*",   "*password", "inst.*", "url",    "zfs*",
      "cloud-*", "autoinstall", "ima_*"};
  return std::any_of(patterns.begin(), patterns.end(),
                     [name](std::string_view pattern) { return name_matches(name, pattern); });
}

std::vector<std::string_view> split_words(std::string_view line) {
  std::vector<std::string_view> words;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] == '"') quoted = !quoted;
    if (i < line.size() && (quoted || line[i] != ' ')) continue;
    if (i > begin) words.push_back(line.substr(begin, i - begin));
    begin = i + 1;
  }
  return words;
}

}  // namespace

std::string publishable_command_line(std::string_view command_line) {
  std::string shown;
  for (const std::string_view word : split_words(command_line)) {
    if (!shown.empty()) shown += ' ';
    if (word == "--") {
      shown += "-- ...";
      break;
    }
    const auto equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const bool names_a_disk = word.find("UUID=") != std::string_view::npos ||
                              word.find("LABEL=") != std::string_view::npos;
    if (equals != std::string_view::npos && (is_identifying(name) || names_a_disk)) {
      shown += fmt::format("{}=...", name);
    } else {
      shown += word;
    }
  }
  return shown;
}

std::optional<std::string> command_line_value(std::string_view command_line,
                                              std::string_view name) {
  std::optional<std::string> value;
  for (const std::string_view word : split_words(command_line)) {
    if (word == "--") break;
    const auto equals = word.find('=');
    if (equals != std::string_view::npos && word.substr(0, equals) == name) {
      value = word.substr(equals + 1);
    }
  }
  return value;
}

std::vector<Fact> read_settings(const std::vector<int>& cpus, const std::string& root) {
  std::vector<Fact> facts;
  facts.emplace_back("transparent huge pages", huge_pages(root));
  facts.emplace_back("multi-size huge pages", multi_size_huge_pages(root));
  facts.emplace_back("NUMA balancing", numa_balancing(root));
  facts.emplace_back("frequency governor", governors(cpus, root));
  facts.emplace_back("turbo", turbo(root));
  const FileText smt = read_kernel_file(root + kCpu + "/smt/control");
  facts.emplace_back("SMT control", smt.ok() ? smt.text : "not in this kernel");
  facts.emplace_back("max_map_count",
                     text_or_problem(read_kernel_file(root + "/proc/sys/vm/max_map_count")));
  facts.emplace_back("overcommit", overcommit(root));
  const FileText paranoid = read_kernel_file(root + "/proc/sys/kernel/perf_event_paranoid");
  facts.emplace_back("perf_event_paranoid", paranoid.ok() ? paranoid.text : "no perf events here");
  const FileText command_line = read_kernel_file(root + "/proc/cmdline");
  for (const char* name : {"isolcpus", "nohz_full", "rcu_nocbs"}) {
    facts.emplace_back(name, command_line.ok()
                                 ? command_line_value(command_line.text, name).value_or("none")
                                 : "unknown: " + command_line.problem);
  }
  return facts;
}

std::vector<Fact> read_mitigations(const std::string& root) {
  const std::string directory = root + kCpu + "/vulnerabilities";
  std::vector<Fact> facts;
  for (const std::string& entry : sorted_entries(directory)) {
    facts.emplace_back(entry,
                       text_or_problem(read_kernel_file(fmt::format("{}/{}", directory, entry))));
  }
  if (facts.empty()) {
    facts.emplace_back("mitigations", "unknown: " + directory + " is missing or empty");
  }
  return facts;
}

}  // namespace tlblab
