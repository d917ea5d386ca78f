// SPDX-License-Identifier: GPL-2.0-only
// What this machine and its kernel do to flushes (docs/flush-facts.md). Pure functions on what was
// read, one file per architecture and one for what is common; all are compiled everywhere.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "user/model/flush_fact.hh"
#include "user/topology/kernel_files.hh"
#include "user/topology/kernel_functions.hh"
#include "user/topology/kernel_log.hh"
#include "user/topology/tlb_features.hh"

namespace tlblab {

/// Texts as they were read; what was not read says why.
struct FlushSources {
  FileText config;            ///< the kernel's .config
  FileText cpuinfo;           ///< /proc/cpuinfo
  FileText command_line;      ///< /proc/cmdline
  FileText preempt;           ///< debugfs, sched/preempt: "none voluntary (full) lazy"
  FileText flush_event;       ///< tracefs, events/tlb/tlb_flush/format; x86
  KernelFunctions functions;  ///< those of the two below that this kernel has; x86
  KernelLog log;
  std::string kernel_version;  ///< uname -v
  unsigned nr_cpus_online = 0;
  bool guest = false;
  bool debugfs_closed = false;  ///< by lockdown, to everybody: nothing is switched there
  unsigned ceiling_pages = 0;   ///< as flush_ceiling_pages() tells
  std::string ceiling_source;
};

/// The x86 function that decides who gets a flush: before and since masks are trimmed lazily.
inline constexpr const char* kUntrimmedFunction = "tlb_is_not_lazy";
inline constexpr const char* kTrimmedFunction = "should_flush_tlb";

/// What every architecture reads beyond what its caller knows: see read_flush_facts().
void read_common_sources(FlushSources& sources);

/// Pure, as are all below. Preemption, and what the kernel's mmu_gather was built with.
std::vector<FlushFact> common_flush_facts(const FlushSources& sources);
FlushFact preemption_fact(const FlushSources& sources);
std::vector<FlushFact> x86_flush_facts(const FlushSources& sources, const CpuidReader& cpuid);
std::vector<FlushFact> arm64_flush_facts(const FlushSources& sources);

/// The facts of the machine we run on, by user/arch/<a>/tlb_features.cc. The caller knows `config`,
/// `guest`, `debugfs_closed` and the ceiling already; the rest is read.
std::vector<FlushFact> read_flush_facts(FlushSources known);

// For the files that make facts.

inline constexpr const char* kFromConfig = "kernel configuration";

/// "unknown: " and the reason.
std::string unknown(std::string_view why);

/// `yes` or `no` by the kernel's configuration, or that it can't be read.
FlushFact config_fact(const FlushSources& sources, std::string name, std::string_view option,
                      std::string yes, std::string no);

/// `yes` where the kernel's log has the words, `no` where it certainly never had them.
FlushFact log_fact(const FlushSources& sources, std::string name, std::string_view words,
                   std::string yes, std::string no);

}  // namespace tlblab
