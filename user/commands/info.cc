// SPDX-License-Identifier: GPL-2.0-only
// `tlblab info`.
#include "user/commands/info.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "user/commands/layout.hh"
#include "user/counters/counters.hh"
#include "user/lab/lab_device.hh"
#include "user/records/machine.hh"
#include "user/support/error.hh"
#include "user/topology/machine.hh"
#include "user/topology/placement.hh"

namespace tlblab {
namespace {

constexpr std::size_t kIndent = 36;

std::string_view name(counters::Scope scope) {
  switch (scope) {
    case counters::Scope::kInitiator:
      return "initiator";
    case counters::Scope::kResponders:
      return "responders";
    case counters::Scope::kTargets:
      return "initiator, and by target";
    case counters::Scope::kBoth:
      return "both";
  }
  return "unknown";
}

/// What the module reports, as facts; a single one when it cannot be asked.
std::vector<Fact> lab_facts() {
  try {
    const LabDevice device;
    return describe_lab(device.capabilities(), device.totals());
  } catch (const Error& error) {
    return {{"module", error.what()}};
  }
}

void print_json(const Machine& machine, const std::vector<counters::EventStatus>& events) {
  nlohmann::json list = nlohmann::json::array();
  for (const counters::EventStatus& event : events) {
    list.push_back({{"name", event.name},
                    {"source", event.source},
                    {"meaning", event.meaning},
                    {"scope", name(event.scope)},
                    {"unavailable", event.unavailable}});
  }
  const nlohmann::json all{{"machine", machine}, {"lab", lab_facts()}, {"counters", list}};
  fmt::print("{}\n", all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

class Page {
 public:
  void title(std::string_view text) {
    fmt::print("{}{}\n", first_ ? "" : "\n", text);
    first_ = false;
  }
  void line(std::string_view name, std::string_view value) const {
    fmt::print("{}", named_line(name, value, kIndent, width_));
  }
  void facts(std::string_view heading, const std::vector<Fact>& list) {
    title(heading);
    for (const auto& [name, value] : list) line(name, value);
  }
  /// Value and source, and below it what that means for flushes.
  void flush_facts(std::string_view heading, const std::vector<FlushFact>& list) {
    title(heading);
    for (const FlushFact& fact : list) {
      line(fact.name, fmt::format("{} [{}]", fact.value, fact.source));
      const std::string meaning(meaning_of_flush_fact(fact.name));
      if (meaning.empty()) continue;
      fmt::print("{:{}}-> {}\n", "", kIndent, wrapped(meaning, kIndent + 3, width_));
    }
  }
  /// A paragraph that begins at the margin of names.
  void paragraph(std::string_view text) const {
    constexpr std::size_t margin = 2;
    fmt::print("  {}\n", wrapped(text, margin, width_));
  }
  void bullet(std::string_view text) const {
    constexpr std::size_t margin = 4;
    fmt::print("  - {}\n", wrapped(text, margin, width_));
  }

 private:
  std::size_t width_ = terminal_width();
  bool first_ = true;
};

void print_machine(const Machine& machine, Page& page) {
  page.title("machine");
  page.line("CPU", machine.cpu_model);
  page.line("architecture", machine.arch);
  page.line("CPUs", fmt::format("{} online, {} allowed to this process", machine.nr_cpus_online,
                                machine.nr_cpus_allowed));
  page.line("microcode", machine.microcode);
  page.line("clock source", machine.clock_source);
  page.line("host", machine.hostname + " (a digest of its name)");

  const Virtualization& virtualization = machine.virtualization;
  page.title(fmt::format("kind: {}{}{}, because", name(virtualization.kind),
                         virtualization.hypervisor.empty() ? "" : ", ", virtualization.hypervisor));
  for (const std::string& evidence : virtualization.evidence) page.bullet(evidence);

  page.title("kernel");
  page.line("release", machine.kernel);
  page.line("version", machine.kernel_version);
  page.line("distribution", machine.distribution);
  page.line("command line", machine.command_line);
  page.line("configuration (sha256)", machine.config_digest);

  page.facts("topology", machine.topology);
  page.facts("TLB", machine.tlb);
  page.flush_facts("flushes", machine.flushing);
  page.facts("settings", machine.settings);
  // "Not affected" is of no interest: only the others cost time.
  page.title("mitigations");
  std::string unaffected;
  for (const auto& [vulnerability, state] : machine.mitigations) {
    if (state == "Not affected") {
      unaffected += (unaffected.empty() ? "" : ", ") + vulnerability;
    } else {
      page.line(vulnerability, state);
    }
  }
  if (!unaffected.empty()) page.line("not affected", unaffected);
}

void print_counters(const std::vector<counters::EventStatus>& events, Page& page) {
  page.title("counters that can be read here");
  std::vector<std::string> reasons;  // in the order they first come up
  std::map<std::string, std::string> events_of;
  std::size_t nr_countable = 0;
  for (const counters::EventStatus& event : events) {
    if (event.unavailable.empty()) {
      page.line(event.name,
                fmt::format("{} [{}; {}]", event.meaning, event.source, name(event.scope)));
      ++nr_countable;
      continue;
    }
    std::string& names = events_of[event.unavailable];
    if (names.empty()) reasons.push_back(event.unavailable);
    names += (names.empty() ? "" : ", ") + event.name;
  }
  if (nr_countable == 0) page.paragraph("none");
  if (reasons.empty()) return;
  page.title("counters that can't");
  for (const std::string& reason : reasons) {
    page.paragraph(events_of[reason]);
    page.bullet(reason);
  }
}

/// An initiator's and a responder's, where there are two: enough to see what can be counted.
std::vector<int> two_cpus() {
  std::vector<int> cpus = placement_order();
  if (cpus.size() > 2) cpus.resize(2);
  return cpus;
}

}  // namespace

int run_info(bool as_json) {
  const Machine machine = describe_machine();
  const std::vector<counters::EventStatus> events = counters::probe_events(two_cpus());
  if (as_json) {
    print_json(machine, events);
  } else {
    Page page;
    print_machine(machine, page);
    page.facts("lab", lab_facts());
    print_counters(events, page);
  }
  return static_cast<int>(ExitStatus::kOk);
}

}  // namespace tlblab
