// SPDX-License-Identifier: GPL-2.0-only
// Probes on the two functions through which x86 asks for flushes of user memory.
//
// A tracepoint sees a request by the way it is served: one that the processor broadcasts (INVLPGB)
// passes none. The function is entered all the same.
#include "user/counters/request_probes.hh"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace tlblab::counters {
namespace {

constexpr const char* kPmu = "/sys/bus/event_source/devices/kprobe";

struct Probe {
  const char* name;
  const char* function;
  const char* meaning;
};
constexpr std::array kProbes = {
    Probe{"request.mm_range", "flush_tlb_mm_range",
          "flush requests of one address space, however they are served"},
    Probe{"request.batch", "arch_tlbbatch_flush",
          "flush requests for a batch of pages (reclaim), however they are served"},
};

}  // namespace

ProbePmu parse_probe_pmu(const FileText& type) {
  ProbePmu pmu;
  if (!type.ok()) {
    pmu.problem = fmt::format(
        "perf can't probe functions in this kernel, which is built without CONFIG_KPROBE_EVENTS "
        "or older than that ({})",
        type.problem);
    return pmu;
  }
  const char* const end = type.text.data() + type.text.size();
  const auto parsed = std::from_chars(type.text.data(), end, pmu.type);
  if (parsed.ec != std::errc{} || parsed.ptr != end) {
    pmu.problem = fmt::format("{}/type holds \"{}\", which is no number", kPmu, type.text);
  }
  return pmu;
}

ProbePmu read_probe_pmu() {
  return parse_probe_pmu(read_kernel_file(fmt::format("{}/type", kPmu)));
}

std::vector<std::string> probed_functions() {
  std::vector<std::string> functions;
  functions.reserve(kProbes.size());
  for (const Probe& probe : kProbes) functions.emplace_back(probe.function);
  return functions;
}

std::vector<Event> make_request_probes(Architecture architecture, const ProbePmu& pmu,
                                       const KernelFunctions& functions) {
  std::vector<Event> events;
  for (const Probe& probe : kProbes) {
    Event event;
    event.kind = EventKind::kProbe;
    event.status = {.name = probe.name,
                    .source = fmt::format("kprobe {}", probe.function),
                    .meaning = probe.meaning,
                    .scope = Scope::kInitiator,
                    .unavailable = pmu.problem};
    event.perf_type = pmu.type;
    event.probed = probe.function;
    if (architecture == Architecture::kArm64) {
      event.status.unavailable = "arm64 flushes inline: there is no function to probe";
    } else if (pmu.problem.empty() && functions.problem.empty() &&
               !functions.addresses.contains(probe.function)) {
      event.status.unavailable = fmt::format("this kernel has no function {}", probe.function);
    }
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace tlblab::counters
