// SPDX-License-Identifier: GPL-2.0-only
// A scheme of engine `lab`: names with parameters, and what each must cause. Pure: needs no module.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "include/tlblab/abi.h"
#include "user/model/expectation.hh"
#include "user/model/scheme_info.hh"
#include "user/model/shape.hh"

namespace tlblab {

/// The machine below the module: how a flush request is made, and what of it is counted.
struct LabMachine {
  bool names_targets = false;  ///< a request is for CPUs of the mm's mask, not for all in hardware
  bool one_interval_per_request = false;  ///< else it takes a list of intervals
  bool counts_barriers = false;           ///< TLBIs and DSBs are in the account
  unsigned ceiling_pages = 0;  ///< past so many pages the whole mm is flushed; 0: not known
};

/// Which machine `can` describes, by its mechanisms, features and ceiling.
LabMachine lab_machine(const tlblab_capabilities& can);

/// The choices of one scheme, in the ABI's values.
struct LabComposition {
  tlblab_operation operation = TLBLAB_UNMAP;
  tlblab_gather gather = TLBLAB_MERGED;
  tlblab_extent extent = TLBLAB_ENVELOPE;
  tlblab_release release = TLBLAB_STRICT;
  bool dsb_each = false;            ///< arm64: a completing DSB after each TLBI
  bool no_repeat = false;           ///< the repetition that broken cores need is left out
  std::uint32_t ceiling_pages = 0;  ///< 0: the kernel's own
  std::uint64_t batch_pages = 0;    ///< 0: no limit

  bool operator==(const LabComposition&) const = default;
};

/// "unmap:merged", ... without parameters, for `list`. Each carries `unavailable`.
std::vector<SchemeInfo> lab_schemes(const std::string& unavailable);

/// What may follow a name.
std::span<const ParameterInfo> lab_parameters();

/// The composition of "unmap:<gather>[,parameter...]"; empty when no scheme of the lab has that
/// name. Throws Error(kUsage) for parameters that there aren't or that don't go together.
std::optional<LabComposition> parse_lab_scheme(std::string_view name);

/// The one name of a composition: parameters in the order of lab_parameters().
std::string name(const LabComposition& composition);

/// The composition in words, as `list` and reports show it.
SchemeInfo lab_scheme_info(const LabComposition& composition, std::string unavailable);

/// Full name of the scheme by which the stock kernel does the same; empty: there is none.
std::string lab_twin(const LabComposition& composition);

/// docs/methods.md's table of requests, and the terms of the module's account that follow from the
/// shape.
Expectation expect_lab(const LabComposition& composition, const Shape& shape,
                       const LabMachine& machine);

}  // namespace tlblab
