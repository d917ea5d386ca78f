// SPDX-License-Identifier: GPL-2.0-only
// The few calls of libpfm4 that its tables take.
#include "user/counters/pfm.hh"

#include <perfmon/pfmlib_perf_event.h>

#include <cstdlib>

namespace tlblab::counters {
namespace {

/// Whether libpfm4 can be used.
bool ready() {
  static const bool initialized = [] {
    ::setenv("LIBPFM_ENCODE_INACTIVE", "1", 0);  // models that this machine is not, too
    return ::pfm_initialize() == PFM_SUCCESS;
  }();
  return initialized;
}

std::vector<pfm_pmu_info_t> core_pmus() {
  std::vector<pfm_pmu_info_t> pmus;
  if (!ready()) return pmus;
  for (int i = PFM_PMU_NONE; i < PFM_PMU_MAX; ++i) {
    pfm_pmu_info_t info{};
    info.size = sizeof info;
    const bool known = ::pfm_get_pmu_info(static_cast<pfm_pmu_t>(i), &info) == PFM_SUCCESS;
    if (known && info.type == PFM_PMU_TYPE_CORE) pmus.push_back(info);
  }
  return pmus;
}

}  // namespace

std::vector<std::string> pfm_models_here() {
  std::vector<std::string> names;
  for (const pfm_pmu_info_t& pmu : core_pmus()) {
    // The architecture's own PMU is present beside every model, and has none of the TLB's events.
    const bool is_model = pmu.pmu != PFM_PMU_INTEL_X86_ARCH;
    if (pmu.is_present != 0 && is_model) names.emplace_back(pmu.name);
  }
  return names;
}

bool pfm_has_model(const std::string& model) {
  for (const pfm_pmu_info_t& pmu : core_pmus()) {
    if (pmu.name == model) return true;
  }
  return false;
}

std::optional<PfmEncoding> pfm_encode(const std::string& model, const std::string& event) {
  if (!ready()) return std::nullopt;
  perf_event_attr attr{};
  pfm_perf_encode_arg_t encoded{};
  encoded.size = sizeof encoded;
  encoded.attr = &attr;
  const std::string name = model + "::" + event;
  const int error =
      ::pfm_get_os_event_encoding(name.c_str(), PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &encoded);
  // More words than `config` take a format of their own that nothing here asks for.
  if (error != PFM_SUCCESS || attr.config1 != 0 || attr.config2 != 0) return std::nullopt;
  return PfmEncoding{attr.type, attr.config};
}

}  // namespace tlblab::counters
