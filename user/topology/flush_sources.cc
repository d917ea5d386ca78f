// SPDX-License-Identifier: GPL-2.0-only
// Reading what facts about flushes are made of.
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "user/topology/flush_facts.hh"
#include "user/topology/module_rules.hh"
#include "user/topology/private_mount.hh"

namespace tlblab {

FlushSources read_flush_sources(const FileText& config, bool guest, const std::string& root) {
  utsname names{};
  ::uname(&names);
  FlushSources sources;
  sources.config = config;
  sources.cpuinfo = read_kernel_file(root + "/proc/cpuinfo");
  sources.command_line = read_kernel_file(root + "/proc/cmdline");
  sources.preempt = read_files_of("debugfs", "/sys/kernel/debug", {"sched/preempt"}).front();
  sources.log = read_kernel_log();
  sources.kernel_version = names.version;
  const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
  sources.nr_cpus_online = online > 0 ? static_cast<unsigned>(online) : 0;
  sources.guest = guest;
  sources.debugfs_closed = closes_debugfs(read_module_rules(root));
  return sources;
}

FileText find_symbols(const std::string& path, const std::vector<std::string_view>& names) {
  std::ifstream file(path);
  if (!file) return {.text = {}, .problem = path + " can't be read"};
  FileText found;
  bool any = false;
  for (std::string line; std::getline(file, line);) {
    any = true;
    // "address type name", and of a module's "\t[module]" behind it.
    const auto at = line.rfind(' ');
    if (at == std::string::npos) continue;
    const std::string_view name = std::string_view(line).substr(at + 1);
    if (std::find(names.begin(), names.end(), name) == names.end()) continue;
    if (!found.text.empty()) found.text += ' ';
    found.text += name;
  }
  if (!any) return {.text = {}, .problem = path + " is empty"};
  return found;
}

}  // namespace tlblab
