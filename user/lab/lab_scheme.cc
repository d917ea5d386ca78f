// SPDX-License-Identifier: GPL-2.0-only
// Names of the lab's schemes, and the arithmetic of their requests. The catalogue's rows are what
// there is; the driver keeps no list of its own.
#include "user/lab/lab_scheme.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "include/tlblab/catalogue.hh"
#include "include/tlblab/expected.hh"
#include "user/lab/lab_account.hh"
#include "user/support/error.hh"
#include "user/support/page_size.hh"
#include "user/workload/vma_layout.hh"

namespace tlblab {
namespace {

using catalogue::Gather;

/// The row of that name, or null.
template <class Row, std::size_t kNr>
const Row* find_named(const Row (&rows)[kNr], std::string_view name) {
  const Row* row = std::find_if(std::begin(rows), std::end(rows),
                                [name](const Row& r) { return name == r.name; });
  return row == std::end(rows) ? nullptr : row;
}

const Gather& row_of(const LabComposition& composition) {
  return *catalogue::find(catalogue::kGathers, composition.gather);
}

/// "unmap:merged", without parameters.
std::string plain_name(const catalogue::Value& operation, const Gather& gather) {
  return fmt::format("{}:{}", operation.name, gather.name);
}

// Parameters that choose a value of the ABI have its name.
constexpr std::string_view kExact = catalogue::find(catalogue::kExtents, TLBLAB_EXACT)->name;
constexpr std::string_view kDsbEach =
    catalogue::find(catalogue::kMechanisms, TLBLAB_TLBI_DSB_EACH)->name;
constexpr std::string_view kNoRepeat = catalogue::find(catalogue::kFaults, TLBLAB_NO_REPEAT)->name;

const std::array<ParameterInfo, 5> kParameters = {{
    {std::string(kExact),
     "invalidate the cleared pages' own intervals, not the envelope from first to last"},
    {"batch=N", "at most N cleared pages pending; then flush and start again (default: no limit)"},
    {"ceiling=N", "flush the whole address space past N pages (at most the kernel's own ceiling)"},
    {std::string(kDsbEach), "arm64: a completing DSB after each TLBI (default: one per request)"},
    {std::string(kNoRepeat),
     "arm64 cores with broken completion (CVE-2025-10263): without the repetition that they need; "
     "wrong on purpose, for what it costs"},
}};

[[noreturn]] void refuse(std::string_view name, const std::string& what) {
  std::string known;
  for (const ParameterInfo& parameter : kParameters) {
    known += (known.empty() ? "" : ", ") + parameter.form;
  }
  throw Error(ExitStatus::kUsage, fmt::format("scheme \"{}\": {}", name, what),
              fmt::format("Parameters follow a name after commas, each at most once: {}.", known));
}

/// N of "batch=N".
template <typename T>
T parse_number(std::string_view name, std::string_view parameter) {
  const std::string_view digits = parameter.substr(parameter.find('=') + 1);
  T value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || stop != end || value == 0) {
    refuse(name, fmt::format("\"{}\" needs a count of pages from 1 on", parameter));
  }
  return value;
}

void apply(std::string_view name, std::string_view parameter, LabComposition& composition) {
  const LabComposition before = composition;
  if (parameter == kExact) {
    composition.extent = TLBLAB_EXACT;
  } else if (parameter.starts_with("batch=") && before.batch_pages == 0) {
    composition.batch_pages = parse_number<std::uint64_t>(name, parameter);
  } else if (parameter.starts_with("ceiling=") && before.ceiling_pages == 0) {
    composition.ceiling_pages = parse_number<std::uint32_t>(name, parameter);
  } else if (parameter == kDsbEach) {
    composition.dsb_each = true;
  } else if (parameter == kNoRepeat) {
    composition.no_repeat = true;
  } else if (!parameter.starts_with("batch=") && !parameter.starts_with("ceiling=")) {
    refuse(name, fmt::format("there is no parameter \"{}\"", parameter));
  }
  if (composition == before) refuse(name, fmt::format("\"{}\" comes too often", parameter));
}

/// ",exact,batch=64", or nothing.
std::string parameters_of(const LabComposition& composition) {
  std::string text;
  if (composition.extent == TLBLAB_EXACT) text += fmt::format(",{}", kExact);
  if (composition.batch_pages > 0) text += fmt::format(",batch={}", composition.batch_pages);
  if (composition.ceiling_pages > 0) text += fmt::format(",ceiling={}", composition.ceiling_pages);
  if (composition.dsb_each) text += fmt::format(",{}", kDsbEach);
  if (composition.no_repeat) text += fmt::format(",{}", kNoRepeat);
  return text;
}

catalogue::ExpectedFlushes flushes_of(const LabComposition& composition, const Shape& shape,
                                      bool one_interval_per_request, std::uint64_t ceiling_pages) {
  return catalogue::expected_flushes(
      {shape.nr_vmas, shape.pages_per_vma, shape.gap_pages, first_page_offset(shape),
       pages_per_table()},
      {composition.gather, composition.extent, composition.batch_pages, ceiling_pages,
       one_interval_per_request});
}

/// Pages of one request, where all are alike: nothing cuts a VMA, or what lies between two VMAs.
std::optional<std::uint64_t> extent_pages(const LabComposition& composition, const Shape& shape,
                                          bool one_interval_per_request) {
  const Gather& gather = row_of(composition);
  const bool cut = composition.batch_pages > 0 || (gather.flush_at == catalogue::Boundary::kTable &&
                                                   table_pieces(shape).size() > shape.nr_vmas);
  if (gather.whole_mm || (cut && gather.flush_at != catalogue::Boundary::kEntry)) {
    return std::nullopt;
  }
  constexpr std::uint64_t no_ceiling = ~std::uint64_t{0};
  const catalogue::ExpectedFlushes all =
      flushes_of(composition, shape, one_interval_per_request, no_ceiling);
  return all.flushed_pages / all.requests;
}

}  // namespace

LabMachine lab_machine(const tlblab_capabilities& can) {
  const auto has = [&can](tlblab_mechanism m) { return catalogue::has(can.mechanisms, m); };
  LabMachine machine;
  machine.names_targets = (can.features & TLBLAB_HAS_BROADCAST) == 0;
  machine.one_interval_per_request = has(TLBLAB_KERNEL_SHOOTDOWN);
  machine.counts_barriers = has(TLBLAB_TLBI_DSB_EACH) || has(TLBLAB_TLBI_DSB_ONCE);
  machine.ceiling_pages = can.ceiling_pages;
  return machine;
}

std::vector<SchemeInfo> lab_schemes(const std::string& unavailable) {
  std::vector<SchemeInfo> schemes;
  for (const catalogue::Value& operation : catalogue::kOperations) {
    for (const Gather& gather : catalogue::kGathers) {
      schemes.push_back(
          {plain_name(operation, gather), gather.summary, gather.stands_for, unavailable});
    }
  }
  return schemes;
}

std::span<const ParameterInfo> lab_parameters() { return kParameters; }

std::optional<LabComposition> parse_lab_scheme(std::string_view name) {
  const std::string_view plain = name.substr(0, name.find(','));
  const std::size_t colon = plain.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto* operation = find_named(catalogue::kOperations, plain.substr(0, colon));
  const auto* gather = find_named(catalogue::kGathers, plain.substr(colon + 1));
  if (operation == nullptr || gather == nullptr) return std::nullopt;
  LabComposition composition;
  composition.operation = static_cast<tlblab_operation>(operation->value);
  composition.gather = static_cast<tlblab_gather>(gather->value);
  for (std::string_view rest = name.substr(plain.size()); !rest.empty();) {
    rest.remove_prefix(1);  // the comma
    const std::string_view parameter = rest.substr(0, rest.find(','));
    apply(name, parameter, composition);
    rest.remove_prefix(parameter.size());
  }
  if (!catalogue::has(gather->extents, composition.extent)) {
    refuse(name, fmt::format("{} leaves no choice of extent: drop \"{}\"", plain, kExact));
  }
  return composition;
}

std::string name(const LabComposition& composition) {
  const auto* operation = catalogue::find(catalogue::kOperations, composition.operation);
  return plain_name(*operation, row_of(composition)) + parameters_of(composition);
}

Expectation expect_lab(const LabComposition& composition, const Shape& shape,
                       const LabMachine& machine) {
  std::uint64_t ceiling = machine.ceiling_pages;
  if (composition.ceiling_pages != 0) {
    ceiling = std::min<std::uint64_t>(ceiling, composition.ceiling_pages);
  }
  const catalogue::ExpectedFlushes flushes =
      flushes_of(composition, shape, machine.one_interval_per_request, ceiling);
  Expectation expected;
  expected.requests = flushes.requests;
  expected.extent_pages = extent_pages(composition, shape, machine.one_interval_per_request);
  expected.note = row_of(composition).summary;
  if (composition.batch_pages > 0) {
    expected.note += fmt::format(", {} pages pending at most", composition.batch_pages);
  }
  tlblab_account due{};
  due.vmas = shape.nr_vmas;
  due.tables = table_pieces(shape).size();
  due.cleared = due.released = shape.nr_pages();
  due.requests = flushes.requests;
  due.forced = flushes.forced;
  due.full = flushes.full;
  due.flushed_pages = flushes.flushed_pages;
  due.tlbi = flushes.flushed_pages + flushes.full;  // a page each, or all at once
  due.dsb_ishst = flushes.requests;
  due.dsb_ish = composition.dsb_each ? due.tlbi : flushes.requests;

  const bool list_in_parts = composition.extent == TLBLAB_EXACT && machine.one_interval_per_request;
  if (list_in_parts) expected.note += ", a request for each interval";
  if (machine.ceiling_pages == 0 && !row_of(composition).whole_mm) {
    expected.note += "; the ceiling here is not known";
    due.full = due.flushed_pages = due.tlbi = TLBLAB_UNKNOWN;
    if (composition.dsb_each) due.dsb_ish = TLBLAB_UNKNOWN;
    if (list_in_parts) {
      expected.requests.reset();
      due.requests = due.forced = TLBLAB_UNKNOWN;
    }
  }
  expected.account = due_of(due, machine.counts_barriers);
  return expected;
}

SchemeInfo lab_scheme_info(const LabComposition& composition, std::string unavailable) {
  return {name(composition), std::string(row_of(composition).summary) + parameters_of(composition),
          row_of(composition).stands_for, std::move(unavailable)};
}

std::string lab_twin(const LabComposition& composition) {
  // With parameters it does what the stock kernel can't be asked for.
  if (!parameters_of(composition).empty()) return "";
  return row_of(composition).twin;
}

}  // namespace tlblab
