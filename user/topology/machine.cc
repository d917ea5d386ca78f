// SPDX-License-Identifier: GPL-2.0-only
// Describing the machine: everything that names it in a result, each fact from where it is kept.
#include "user/topology/machine.hh"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <tuple>

#include "user/support/page_size.hh"
#include "user/topology/cpu_model.hh"
#include "user/topology/cpu_topology.hh"
#include "user/topology/digest.hh"
#include "user/topology/flush_facts.hh"
#include "user/topology/kernel_config.hh"
#include "user/topology/kernel_files.hh"
#include "user/topology/module_rules.hh"
#include "user/topology/placement.hh"
#include "user/topology/settings.hh"
#include "user/topology/tlb_features.hh"

namespace tlblab {
namespace {

/// Eight digits distinguish a handful of machines. The prefix keeps the digest of a common name out
/// of existing lists of digests.
std::string hostname_digest(const std::string& hostname) {
  const FileText digest = sha256("tlblab machine " + hostname);
  return digest.ok() ? digest.text.substr(0, 8) : "unknown: " + digest.problem;
}

/// PRETTY_NAME="..." of os-release(5), quotes taken off.
std::string distribution() {
  constexpr std::string_view key = "PRETTY_NAME=";
  for (const char* path : {"/etc/os-release", "/usr/lib/os-release"}) {
    const FileText release = read_kernel_file(path);
    std::string_view rest = release.text;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      std::string_view line = rest.substr(0, end);
      if (line.substr(0, key.size()) == key) {
        line.remove_prefix(key.size());
        if (line.size() >= 2 && (line.front() == '"' || line.front() == '\'')) {
          line = line.substr(1, line.size() - 2);
        }
        return std::string(line);
      }
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }
  return "unknown: no os-release file";
}

std::string microcode(const std::string& cpuinfo, const std::string& arch) {
  std::string version = value_of_key(cpuinfo, "microcode");
  if (!version.empty()) return version;
  return arch == "aarch64" ? "none shown on arm64" : "unknown: /proc/cpuinfo does not show it";
}

/// 0 when the affinity can't be read: describing a machine never fails.
unsigned nr_allowed() {
  try {
    return static_cast<unsigned>(allowed_cpus().size());
  } catch (const std::exception&) {
    return 0;
  }
}

}  // namespace

std::pair<int, int> kernel_release() {
  utsname names{};
  ::uname(&names);
  const std::string_view release = names.release;
  const char* const end = release.data() + release.size();
  std::pair<int, int> version{0, 0};
  const auto major = std::from_chars(release.data(), end, version.first);
  if (major.ec == std::errc{} && major.ptr != end && *major.ptr == '.') {
    std::from_chars(major.ptr + 1, end, version.second);
  }
  return version;
}

Machine describe_machine() {
  utsname names{};
  ::uname(&names);
  const std::string cpuinfo = read_kernel_file("/proc/cpuinfo").text;
  const CpuTopology topology = CpuTopology::of_this_machine();
  const FileText config = read_kernel_config(names.release);

  Machine machine;
  machine.hostname = hostname_digest(names.nodename);
  machine.virtualization = detect_virtualization();
  machine.arch = names.machine;
  machine.cpu_model = cpu_model(cpuinfo);
  machine.kernel = names.release;
  machine.kernel_version = names.version;
  machine.distribution = distribution();
  const FileText command_line = read_kernel_file("/proc/cmdline");
  machine.command_line = command_line.ok() ? publishable_command_line(command_line.text)
                                           : text_or_problem(command_line);
  machine.config_digest =
      config.ok() ? text_or_problem(sha256(config.text)) : "unknown: " + config.problem;
  machine.microcode = microcode(cpuinfo, machine.arch);
  machine.clock_source = text_or_problem(
      read_kernel_file("/sys/devices/system/clocksource/clocksource0/current_clocksource"));
  const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
  machine.nr_cpus_online = online > 0 ? static_cast<unsigned>(online) : 0;
  machine.nr_cpus_allowed = nr_allowed();
  machine.nr_nodes = topology.nr_nodes();
  machine.topology = topology.facts();
  machine.tlb = read_tlb_facts();
  machine.tlb.emplace_back(
      "pages", fmt::format("{} KiB, {} in a table", page_bytes() / 1024, pages_per_table()));
  std::tie(machine.flush_ceiling_pages, machine.flush_ceiling_source) = flush_ceiling_pages();
  const ModuleRules rules = read_module_rules();
  FlushSources known;
  known.config = config;
  known.guest = machine.virtualization.kind != MachineKind::kBareMetal;
  known.debugfs_closed = closes_debugfs(rules);
  known.ceiling_pages = machine.flush_ceiling_pages;
  known.ceiling_source = machine.flush_ceiling_source;
  machine.flushing = read_flush_facts(std::move(known));
  machine.mitigations = read_mitigations();
  machine.settings =
      read_settings(parse_kernel_cpu_list(read_kernel_file("/sys/devices/system/cpu/online").text));
  for (Fact& fact : module_facts(rules)) machine.settings.push_back(std::move(fact));
  return machine;
}

}  // namespace tlblab
