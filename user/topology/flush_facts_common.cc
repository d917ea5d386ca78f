// SPDX-License-Identifier: GPL-2.0-only
// Facts about flushes that both architectures have, and how facts are made from texts.
//
// Sources: Linux mm/Kconfig, kernel/Kconfig.preempt, kernel/sched/core.c and debug.c,
// init/Makefile, of 6.12 and 7.3.
#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

#include "user/topology/flush_facts.hh"
#include "user/topology/kernel_config.hh"
#include "user/topology/settings.hh"

namespace tlblab {
namespace {

/// "none voluntary (full) lazy" -> "full".
std::optional<std::string> chosen_mode(const std::string& text) {
  const auto open = text.find('(');
  const auto close = text.find(')', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return std::nullopt;
  return text.substr(open + 1, close - open - 1);
}

/// The choice that the kernel was built with.
std::optional<std::string> built_mode(const FileText& config) {
  constexpr std::array<std::pair<const char*, const char*>, 4> options = {
      {{"PREEMPT_NONE", "none"},
       {"PREEMPT_VOLUNTARY", "voluntary"},
       {"PREEMPT_LAZY", "lazy"},
       {"PREEMPT", "full"}}};
  for (const auto& [option, mode] : options) {
    if (config.ok() && config_has(config.text, option)) return mode;
  }
  return std::nullopt;
}

/// What the boot chose: by the log, else by how the kernel was built.
std::optional<std::pair<std::string, std::string>> mode_and_source_at_boot(
    const FlushSources& sources) {
  const std::string logged = last_said_after(sources.log, "Dynamic Preempt: ");
  // A mode that this kernel refuses is logged, too, as "unsupported mode: none".
  if (!logged.empty() && logged.find(':') == std::string::npos) {
    return std::pair{logged, std::string("kernel log, \"Dynamic Preempt\"")};
  }
  // It may have been refused, and other kernels have other modes.
  if (command_line_value(sources.command_line.text, "preempt")) return std::nullopt;
  const auto mode = built_mode(sources.config);
  if (!mode || !sources.command_line.ok()) return std::nullopt;
  return std::pair{*mode, std::string(kFromConfig) + " and command line"};
}

/// Where the model can be switched: as it is now, which debugfs alone tells.
FlushFact dynamic_mode(const FlushSources& sources) {
  const std::string name = "preemption model";
  if (sources.preempt.ok()) {
    if (const auto mode = chosen_mode(sources.preempt.text)) {
      return {name, *mode, "debugfs sched/preempt"};
    }
  }
  const auto at_boot = mode_and_source_at_boot(sources);
  if (!at_boot) {
    return {name, unknown("it can be switched, and nothing that can be read tells how it is"),
            sources.preempt.problem};
  }
  const auto& [mode, source] = *at_boot;
  if (sources.debugfs_closed) return {name, mode, source + "; lockdown closes the switch"};
  return {name, unknown(fmt::format("{} at boot, and a switch since can't be seen", mode)),
          fmt::format("{}; {}", source, sources.preempt.problem)};
}

FlushFact built_in_mode(const FlushSources& sources) {
  const std::string name = "preemption model";
  if (const auto mode = built_mode(sources.config)) return {name, *mode, kFromConfig};
  const bool preempts = has_word(sources.kernel_version, "PREEMPT");
  return {name,
          unknown(preempts ? "full or lazy, the kernel's configuration can't be read"
                           : "none or voluntary, the kernel's configuration can't be read"),
          "uname -v"};
}

}  // namespace

std::string unknown(std::string_view why) { return fmt::format("unknown: {}", why); }

FlushFact config_fact(const FlushSources& sources, std::string name, std::string_view option,
                      std::string yes, std::string no) {
  if (!sources.config.ok()) {
    return {std::move(name), unknown("the kernel's configuration can't be read"),
            sources.config.problem};
  }
  return {std::move(name), config_has(sources.config.text, option) ? std::move(yes) : std::move(no),
          fmt::format("{} {}", kFromConfig, option)};
}

FlushFact log_fact(const FlushSources& sources, std::string name, std::string_view words,
                   std::string yes, std::string no) {
  std::string value = sources.log.problem.empty() ? std::move(no) : unknown(sources.log.problem);
  if (sources.log.says(words)) value = std::move(yes);
  return {std::move(name), std::move(value), fmt::format("kernel log, \"{}\"", words)};
}

FlushFact preemption_fact(const FlushSources& sources) {
  const bool rt = has_word(sources.kernel_version, "PREEMPT_RT") ||
                  (sources.config.ok() && config_has(sources.config.text, "PREEMPT_RT"));
  const bool dynamic = has_word(sources.kernel_version, "PREEMPT_DYNAMIC") ||
                       (sources.config.ok() && config_has(sources.config.text, "PREEMPT_DYNAMIC"));
  FlushFact fact = dynamic ? dynamic_mode(sources) : built_in_mode(sources);
  if (rt) fact.value += ", real-time kernel";
  return fact;
}

std::vector<FlushFact> common_flush_facts(const FlushSources& sources) {
  return {preemption_fact(sources),
          config_fact(sources, "page-table reclaim", "PT_RECLAIM", "yes", "no"),
          config_fact(sources, "page tables freed", "MMU_GATHER_RCU_TABLE_FREE",
                      "after other CPUs have passed a point, by RCU or an interrupt",
                      "right after the flush"),
          config_fact(sources, "gather across VMAs", "MMU_GATHER_MERGE_VMAS",
                      "one gather flushes for all VMAs", "a flush at each VMA's end")};
}

}  // namespace tlblab
