// SPDX-License-Identifier: GPL-2.0-only
// Reading what facts about flushes are made of.
#include <sys/utsname.h>
#include <unistd.h>

#include "user/topology/flush_facts.hh"
#include "user/topology/private_mount.hh"

namespace tlblab {

void read_common_sources(FlushSources& sources) {
  utsname names{};
  ::uname(&names);
  sources.cpuinfo = read_kernel_file("/proc/cpuinfo");
  sources.command_line = read_kernel_file("/proc/cmdline");
  sources.preempt = read_files_of("debugfs", "/sys/kernel/debug", {"sched/preempt"}).front();
  sources.log = read_kernel_log();
  sources.kernel_version = names.version;
  const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
  sources.nr_cpus_online = online > 0 ? static_cast<unsigned>(online) : 0;
}

}  // namespace tlblab
