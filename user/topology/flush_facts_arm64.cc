// SPDX-License-Identifier: GPL-2.0-only
// Facts about flushes on arm64.
//
// The ID registers that would tell are among those that Linux hides when it emulates their reading
// for user space (Documentation/arch/arm64/cpu-feature-registers.rst; FTR_HIDDEN of
// arch/arm64/kernel/cpufeature.c), and /proc/cpuinfo has no flag for them. The kernel's log has: it
// names each feature and each workaround that it found. Sources, of 6.12 and 7.3: cpufeature.c,
// cpu_errata.c, include/asm/cputype.h and Kconfig of arch/arm64.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "user/topology/flush_facts.hh"
#include "user/topology/kernel_config.hh"

namespace tlblab {
namespace {

struct Core {
  unsigned long implementer;
  unsigned long part;

  bool operator==(const Core&) const = default;
};

// Of CVE-2025-10263 (erratum 4118414 and its kin), in the order of the kernel's list.
constexpr std::array kIncompleteTlbi = {
    Core{0x41, 0xd90}, Core{0x41, 0xd8c}, Core{0x41, 0xd0b}, Core{0x41, 0xd0e}, Core{0x41, 0xd0d},
    Core{0x41, 0xd41}, Core{0x41, 0xd42}, Core{0x41, 0xd4b}, Core{0x41, 0xd47}, Core{0x41, 0xd44},
    Core{0x41, 0xd4c}, Core{0x41, 0xd48}, Core{0x41, 0xd4e}, Core{0x41, 0xd82}, Core{0x41, 0xd85},
    Core{0x41, 0xd0c}, Core{0x41, 0xd49}, Core{0x41, 0xd40}, Core{0x41, 0xd4f}, Core{0x41, 0xd84},
    Core{0x41, 0xd83}, Core{0x4e, 0x010}, Core{0x6d, 0xd49}};

/// Whether one of the machine's cores is on that list. Big and little cores differ, so all are
/// looked at.
bool has_listed_core(const std::string& cpuinfo) {
  std::string_view rest = cpuinfo;
  while (!rest.empty()) {
    const auto end = rest.find("\n\n");
    const std::string_view one = rest.substr(0, end);
    const Core core{std::strtoul(value_of_key(one, "CPU implementer").c_str(), nullptr, 0),
                    std::strtoul(value_of_key(one, "CPU part").c_str(), nullptr, 0)};
    if (std::find(kIncompleteTlbi.begin(), kIncompleteTlbi.end(), core) != kIncompleteTlbi.end()) {
      return true;
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 2);
  }
  return false;
}

FlushFact repeated_completion(const FlushSources& sources) {
  const std::string name = "TLBI completion repeated";
  // The second is what older kernels call it.
  const bool logged = sources.log.says("detected: Broken broadcast TLBI completion") ||
                      sources.log.says("detected: Qualcomm erratum 1009");
  if (logged) return {name, "yes", "kernel log, \"Broken broadcast TLBI completion\""};
  const bool listed = has_listed_core(sources.cpuinfo.text);
  const std::string core = !sources.cpuinfo.ok() ? "which core this is can't be read"
                           : listed              ? "a core here is listed for CVE-2025-10263"
                                                 : "no core here is listed for CVE-2025-10263";
  if (sources.config.ok() && !config_has(sources.config.text, "ARM64_WORKAROUND_REPEAT_TLBI") &&
      !config_has(sources.config.text, "ARM64_WORKAROUND_REPEAT_TLBI_SYNC")) {
    return {name, fmt::format("no: the kernel is built without it; {}", core), kFromConfig};
  }
  if (sources.log.problem.empty()) return {name, fmt::format("no; {}", core), "kernel log"};
  const char* built = !sources.config.ok() ? "the kernel's configuration can't be read"
                      : config_has(sources.config.text, "ARM64_ERRATUM_4118414")
                          ? "the kernel knows that erratum"
                          : "the kernel knows older errata only";
  return {name, unknown(fmt::format("{}; {}, {}", sources.log.problem, core, built)),
          "kernel log, kernel configuration, /proc/cpuinfo"};
}

/// A feature that the kernel must be built for, and that it logs when the CPUs have it.
FlushFact built_and_logged(const FlushSources& sources, const std::string& name,
                           std::string_view option, std::string_view words) {
  if (sources.config.ok() && !config_has(sources.config.text, option)) {
    return {name, "no: the kernel is built without it", fmt::format("{} {}", kFromConfig, option)};
  }
  return log_fact(sources, name, words, "yes", "no");
}

/// "CPU features: detected: BBM Level 3", whatever the level.
FlushFact break_before_make(const FlushSources& sources) {
  FlushFact fact = log_fact(sources, "break-before-make level", "detected: BBM Level ", "",
                            "none that this kernel names");
  if (fact.value.empty()) fact.value = last_said_after(sources.log, "detected: BBM Level ");
  return fact;
}

}  // namespace

std::vector<FlushFact> arm64_flush_facts(const FlushSources& sources) {
  return {
      {"remote flush", "TLBI, broadcast by the hardware", "architecture"},
      built_and_logged(sources, "ranged TLBI", "ARM64_TLB_RANGE",
                       "detected: TLB range maintenance instruction"),
      repeated_completion(sources),
      built_and_logged(sources, "SME DVMSync workaround", "ARM64_ERRATUM_4193714",
                       "detected: C1-Pro SME DVMSync early acknowledgement"),
      break_before_make(sources),
      config_fact(sources, "contpte", "ARM64_CONTPTE", "yes, for large folios", "no"),
      log_fact(sources, "page-table isolation", "detected: Kernel page table isolation (KPTI)",
               "on", "off"),
      {"broadcast in a guest",
       sources.guest ? unknown("the hypervisor may widen TLBI to all its CPUs, or trap it")
                     : "not a guest",
       "as the machine's kind was found"},
      {"flush ceiling", "no number: arm64 decides by its own limits, which depend on ranged TLBI",
       "architecture"}};
}

}  // namespace tlblab
