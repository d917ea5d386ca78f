// SPDX-License-Identifier: GPL-2.0-only
// The calls of /dev/tlblab, and what each failure means.
#include "user/lab/lab_device.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "include/tlblab/catalogue.hh"
#include "user/lab/lab_scheme.hh"
#include "user/support/error.hh"
#include "user/support/page_size.hh"
#include "user/topology/module_rules.hh"

namespace tlblab {
namespace {

/// Looks around for the reason only once there is a failure to explain.
LabEvidence look_around(int open_error, int query_error, unsigned abi_version) {
  LabEvidence evidence;
  evidence.open_error = open_error;
  evidence.query_error = query_error;
  evidence.abi_version = abi_version;
  std::error_code ignored;
  evidence.module_loaded = std::filesystem::exists("/sys/module/tlblab", ignored);
  utsname names{};
  uname(&names);
  evidence.kernel = names.release;
  evidence.headers =
      std::filesystem::exists(fmt::format("/lib/modules/{}/build", evidence.kernel), ignored);
  const ModuleRules rules = read_module_rules();
  evidence.unsigned_refused = why_unsigned_is_refused(rules);
  evidence.how_to_be_taken = how_to_be_taken(rules);
  return evidence;
}

std::string not_loaded(const LabEvidence& evidence) {
  const std::string text = "the module tlblab is not loaded";
  const std::string load =
      fmt::format("`make module && sudo insmod build/kmod/{}/tlblab.ko`", evidence.kernel);
  if (!evidence.unsigned_refused.empty()) {
    return fmt::format("{}, and {}: {}", text, evidence.unsigned_refused, evidence.how_to_be_taken);
  }
  if (!evidence.headers) {
    return text +
           fmt::format(
               ", and to build it the headers of this kernel are missing: on Debian `apt-get "
               "install linux-headers-{}`, then {}",
               evidence.kernel, load);
  }
  return text + ": " + load;
}

/// What a mask's values are called, by that text of their rows.
template <class Row, std::size_t kNr>
std::string names_of(std::uint64_t mask, const Row (&rows)[kNr],
                     const char* Row::*called = &Row::name) {
  std::string text;
  for (std::uint32_t value = 0; value < 64; ++value) {
    if (!catalogue::has(mask, value)) continue;
    const Row* row = catalogue::find(rows, value);
    text += text.empty() ? "" : ", ";
    text += row != nullptr ? row->*called : fmt::format("unknown to this tlblab ({})", value);
  }
  return text.empty() ? "none" : text;
}

Error failed(const char* what, int error, const char* advice) {
  return {ExitStatus::kMachine, fmt::format("the lab can't {}: {}", what, std::strerror(error)),
          advice};
}

}  // namespace

std::string lab_problem(const LabEvidence& evidence) {
  switch (evidence.open_error) {
    case 0:
      break;
    case ENOENT:
    case ENXIO:
    case ENODEV:
      return evidence.module_loaded
                 ? fmt::format(
                       "the module tlblab is loaded, but there is no {}: is devtmpfs "
                       "mounted on /dev?",
                       TLBLAB_DEVICE)
                 : not_loaded(evidence);
    case EACCES:
    case EPERM:
      return fmt::format(
          "{} is not open to this user: run as root, or install the udev rule "
          "(`make install`) and join its group",
          TLBLAB_DEVICE);
    default:
      return fmt::format("cannot open {}: {}", TLBLAB_DEVICE, std::strerror(evidence.open_error));
  }
  if (evidence.query_error == 0 && evidence.abi_version == TLBLAB_ABI_VERSION) return "";
  if (evidence.query_error == 0) {
    return fmt::format(
        "the module speaks ABI {}, this tlblab {}: rebuild both and load the module again",
        evidence.abi_version, TLBLAB_ABI_VERSION);
  }
  return fmt::format(
      "{} does not answer TLBLAB_QUERY as this tlblab's ABI {} has it ({}): rebuild both and load "
      "the module again",
      TLBLAB_DEVICE, TLBLAB_ABI_VERSION, std::strerror(evidence.query_error));
}

std::string page_problem(const tlblab_capabilities& can, std::size_t page_bytes,
                         std::size_t per_table) {
  if (can.page_bytes == page_bytes && can.entries_per_table == per_table) return "";
  return fmt::format(
      "the module has pages of {} bytes and tables of {} entries, this tlblab pages of {} bytes "
      "and tables of {}: neither would find what the other laid out. Run a tlblab that is this "
      "machine's own, without an emulator in between",
      can.page_bytes, can.entries_per_table, page_bytes, per_table);
}

std::vector<std::pair<std::string, std::string>> describe_lab(const tlblab_capabilities& can,
                                                              const tlblab_totals& totals) {
  const std::uint64_t accounted =
      totals.frames_returned + totals.frames_quarantined + totals.frames_in_use;
  return {
      {"module", fmt::format("loaded, ABI {}", can.abi_version)},
      {"operations", names_of(can.operations, catalogue::kOperations)},
      {"gathers", names_of(can.gathers, catalogue::kGathers)},
      {"extents", names_of(can.extents, catalogue::kExtents)},
      {"releases", names_of(can.releases, catalogue::kReleases)},
      {"mechanisms", names_of(can.mechanisms, catalogue::kMechanisms, &catalogue::Value::summary)},
      {"oracle", (can.flags & TLBLAB_ORACLE) == 0
                     ? "none"
                     : "faults it can plant: " + names_of(can.faults, catalogue::kFaults)},
      {"other CPUs are told", lab_machine(can).names_targets
                                  ? "by interrupts to the CPUs of the mm's mask"
                                  : "by broadcast in hardware: no interrupt, no target"},
      {"ceiling",
       fmt::format("{} pages, past which the whole address space is flushed{}", can.ceiling_pages,
                   (can.features & TLBLAB_KNOWS_CEILING) != 0
                       ? ""
                       : ": the lab's own, since this kernel's is not known")},
      {"pages, tables", fmt::format("{} bytes, {} entries", can.page_bytes, can.entries_per_table)},
      {"operations so far",
       fmt::format("{}, {} flush requests, {} pages cleared", totals.operations,
                   totals.account.requests, totals.account.cleared)},
      {"frames",
       fmt::format("{} taken = {} returned + {} quarantined + {} in use{}; {} at most (max_mib)",
                   totals.frames_taken, totals.frames_returned, totals.frames_quarantined,
                   totals.frames_in_use,
                   totals.frames_taken == accounted ? "" : ": DOES NOT BALANCE",
                   totals.max_frames)},
      {"global flushes",
       fmt::format("{}, for the quarantine; {} of them because the kernel was short of memory",
                   totals.global_flushes, totals.pressure_flushes)},
  };
}

LabDevice::LabDevice() {
  fd_ = open(TLBLAB_DEVICE, O_RDWR | O_CLOEXEC);
  const int open_error = fd_ < 0 ? errno : 0;
  capabilities_.size = sizeof capabilities_;
  const int query_error = fd_ >= 0 && ioctl(fd_, TLBLAB_QUERY, &capabilities_) != 0 ? errno : 0;
  std::string problem;
  if (open_error == 0 && query_error == 0 && capabilities_.abi_version == TLBLAB_ABI_VERSION) {
    problem = page_problem(capabilities_, page_bytes(), pages_per_table());
    if (problem.empty()) return;
  } else {
    problem = lab_problem(look_around(open_error, query_error, capabilities_.abi_version));
  }
  if (fd_ >= 0) close(fd_);
  throw Error(ExitStatus::kMachine, problem, "Engine `syscall` needs no module.");
}

LabDevice::~LabDevice() { close(fd_); }

void LabDevice::map(const AddressRange& range, std::uint64_t offset) const {
  void* const wanted = reinterpret_cast<void*>(range.begin);
  const void* got = mmap(wanted, range.end - range.begin, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_FIXED, fd_, static_cast<off_t>(offset));
  if (got == MAP_FAILED) {
    throw failed("map memory", errno, "Choose a smaller shape, or raise vm.max_map_count.");
  }
}

void LabDevice::populate(std::span<const tlblab_range> ranges, std::uint32_t flags) const {
  tlblab_populate call{};
  call.size = sizeof call;
  call.flags = flags;
  call.ranges = reinterpret_cast<std::uintptr_t>(ranges.data());
  call.nr_ranges = ranges.size();
  call.node = -1;
  if (ioctl(fd_, TLBLAB_POPULATE, &call) != 0) {
    throw failed("populate memory", errno, "Choose a smaller shape, or free memory.");
  }
}

int LabDevice::perform(tlblab_request& request) const noexcept {
  return ioctl(fd_, TLBLAB_PERFORM, &request) == 0 ? 0 : errno;
}

tlblab_totals LabDevice::totals() const {
  tlblab_totals totals{};
  totals.size = sizeof totals;
  if (ioctl(fd_, TLBLAB_TOTALS, &totals) != 0) {
    throw failed("tell its books", errno, "Rebuild the module and tlblab, and load it again.");
  }
  return totals;
}

}  // namespace tlblab
