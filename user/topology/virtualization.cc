// SPDX-License-Identifier: GPL-2.0-only
// What the signs of a hypervisor or emulator add up to.
//
// A figure from a virtual machine says little about bare metal, one from an emulator nothing. So in
// doubt the verdict is "virtual", and what user space cannot distinguish is named.
#include "user/topology/virtualization.hh"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace tlblab {

namespace {

struct Maker {
  std::string_view text;  ///< as the sign shows it
  std::string_view name;
};

// CPUID leaf 0x40000000, as each hypervisor documents it.
constexpr std::array kCpuidSignatures = {
    Maker{"KVMKVMKVM", "KVM"},        Maker{"VMwareVMware", "VMware"},
    Maker{"Microsoft Hv", "Hyper-V"}, Maker{"XenVMMXenVMM", "Xen"},
    Maker{"bhyve bhyve ", "bhyve"},   Maker{"VBoxVBoxVBox", "VirtualBox"},
    Maker{"ACRNACRNACRN", "ACRN"},    Maker{" lrpepyh  vr", "Parallels"},
    Maker{"Linux KVM Hv", "KVM"},
};

// DMI strings of makers that make no hardware. Clouds that also rent whole machines are below.
constexpr std::array kDmiMakers = {
    Maker{"QEMU", "QEMU"},
    Maker{"KVM", "KVM"},
    Maker{"Firecracker", "Firecracker"},
    Maker{"VMware", "VMware"},
    Maker{"innotek", "VirtualBox"},
    Maker{"VirtualBox", "VirtualBox"},
    Maker{"Xen", "Xen"},
    Maker{"Bochs", "Bochs"},
    Maker{"BHYVE", "bhyve"},
    Maker{"Parallels", "Parallels"},
    Maker{"Apple Virtualization", "Apple Virtualization"},
    Maker{"OpenStack", "OpenStack"},
    Maker{"KubeVirt", "KubeVirt"},
    Maker{"Virtual Machine", "Hyper-V"},
    Maker{"vServer", "KVM"},
    Maker{"Google Compute Engine", "KVM"},
};

constexpr std::array kAcpiMakers = {
    Maker{"BOCHS", "QEMU"},    Maker{"FIRECK", "Firecracker"}, Maker{"CLOUDH", "Cloud Hypervisor"},
    Maker{"AMAZON", "Amazon"}, Maker{"VBOX", "VirtualBox"},    Maker{"VRTUAL", "Hyper-V"},
    Maker{"Xen", "Xen"},
};

template <std::size_t N>
std::string_view find_maker(const std::array<Maker, N>& makers, std::string_view text) {
  for (const Maker& maker : makers) {
    if (text.find(maker.text) != std::string_view::npos) return maker.name;
  }
  return {};
}

/// What has been concluded so far, while the signs are gone through.
class Judgement {
 public:
  void note(std::string sentence) { result_.evidence.push_back(std::move(sentence)); }

  void found_virtual(std::string_view monitor, std::string sentence) {
    if (result_.kind == MachineKind::kBareMetal) result_.kind = MachineKind::kVirtual;
    add_monitor(monitor);
    note(std::move(sentence));
  }
  void found_emulated(std::string sentence) {
    result_.kind = MachineKind::kEmulated;
    result_.hypervisor = "TCG (QEMU)";
    note(std::move(sentence));
  }
  [[nodiscard]] MachineKind kind() const { return result_.kind; }
  [[nodiscard]] bool names(std::string_view monitor) const {
    return result_.hypervisor.find(monitor) != std::string::npos;
  }
  Virtualization take() { return std::move(result_); }

 private:
  /// "KVM", then "KVM (Firecracker)": the hypervisor first, the program that drives it after.
  void add_monitor(std::string_view monitor) {
    if (monitor.empty() || names(monitor) || result_.kind == MachineKind::kEmulated) return;
    if (result_.hypervisor.empty()) {
      result_.hypervisor = monitor;
    } else if (result_.hypervisor.find('(') == std::string::npos) {
      result_.hypervisor += fmt::format(" ({})", monitor);
    }
  }

  Virtualization result_;
};

void judge_cpuid(const VirtualizationSigns& signs, Judgement& judgement) {
  if (!signs.cpuid_hypervisor_bit) {
    judgement.note("CPUID leaf 1: the hypervisor bit is clear");
  } else {
    const std::string shown = fmt::format(
        "CPUID leaf 1 has the hypervisor bit, leaf 0x40000000 says \"{}\"", signs.cpuid_signature);
    if (signs.cpuid_signature == "TCGTCGTCGTCG") {
      judgement.found_emulated(shown + ": QEMU's emulator TCG");
    } else {
      const std::string_view maker = find_maker(kCpuidSignatures, signs.cpuid_signature);
      judgement.found_virtual(maker, shown + (maker.empty() ? ": no hypervisor known here"
                                                            : fmt::format(": {}", maker)));
    }
  }
  if (signs.cpu_brand.find("QEMU TCG") != std::string::npos) {
    judgement.found_emulated(fmt::format("the CPU calls itself \"{}\"", signs.cpu_brand));
  } else if (signs.cpu_brand.find("QEMU") != std::string::npos) {
    judgement.found_virtual("QEMU", fmt::format("the CPU calls itself \"{}\"", signs.cpu_brand));
  }
}

void judge_implementer(const VirtualizationSigns& signs, Judgement& judgement) {
  if (!signs.implementer) {
    judgement.note("/proc/cpuinfo names no CPU implementer");
  } else if (*signs.implementer == 0) {
    judgement.found_emulated(
        "CPU implementer 0x00, which no maker has: the \"max\" CPU of QEMU's emulator TCG");
  } else {
    judgement.note(
        fmt::format("CPU implementer 0x{:02x}, a maker of real cores", *signs.implementer));
  }
}

void judge_dmi(const VirtualizationSigns& signs, Judgement& judgement) {
  if (!signs.dmi_vendor && !signs.dmi_product) {
    judgement.note("no DMI table (/sys/class/dmi/id)");
    return;
  }
  const std::string vendor = signs.dmi_vendor.value_or("");
  const std::string product = signs.dmi_product.value_or("");
  const std::string shown = fmt::format("DMI names the machine \"{}\", \"{}\"", vendor, product);
  const std::string_view maker = find_maker(kDmiMakers, vendor + " " + product);
  if (!maker.empty()) {
    judgement.found_virtual(maker, shown);
  } else if (vendor.find("Amazon EC2") != std::string::npos) {
    // Only the product's name distinguishes Amazon's whole machines from its guests.
    if (product.find(".metal") != std::string::npos) {
      judgement.note(shown + ": a rented whole machine");
    } else {
      judgement.found_virtual("Amazon EC2", shown);
    }
  } else {
    judgement.note(shown + ": no hypervisor known here");
  }
}

void judge_firmware(const VirtualizationSigns& signs, Judgement& judgement) {
  if (signs.acpi_oem) {
    const std::string_view maker = find_maker(kAcpiMakers, *signs.acpi_oem);
    const std::string shown = fmt::format("the ACPI tables were made by \"{}\"", *signs.acpi_oem);
    // Amazon's tables say this on its whole machines too.
    if (maker.empty() || maker == "Amazon") {
      judgement.note(shown);
    } else {
      judgement.found_virtual(maker, fmt::format("{}: {}", shown, maker));
    }
  }
  if (signs.tree_hypervisor) {
    const bool kvm = signs.tree_hypervisor->find("kvm") != std::string::npos;
    const bool xen = signs.tree_hypervisor->find("xen") != std::string::npos;
    judgement.found_virtual(
        kvm   ? "KVM"
        : xen ? "Xen"
              : "",
        fmt::format("the device tree has a hypervisor node, compatible with \"{}\"",
                    *signs.tree_hypervisor));
  }
  if (signs.tree_platform && signs.tree_platform->find("dummy-virt") != std::string::npos) {
    judgement.found_virtual("", fmt::format("the device tree's platform is \"{}\": a virtual board",
                                            *signs.tree_platform));
  }
  if (!signs.x86 && !signs.tree_hypervisor && !signs.tree_platform) {
    judgement.note("no device tree (/proc/device-tree)");
  }
}

void judge_kernel(const VirtualizationSigns& signs, Judgement& judgement) {
  if (signs.sys_hypervisor) {
    judgement.found_virtual(*signs.sys_hypervisor == "xen" ? "Xen" : *signs.sys_hypervisor,
                            fmt::format("/sys/hypervisor/type says \"{}\"", *signs.sys_hypervisor));
  } else {
    judgement.note("no /sys/hypervisor");
  }
  if (!signs.steal_ticks) {
    judgement.note("/proc/stat shows no steal time column");
  } else if (*signs.steal_ticks > 0) {
    judgement.found_virtual(
        "", fmt::format("/proc/stat counts {} ticks of steal time since boot: a hypervisor gave "
                        "them to others",
                        *signs.steal_ticks));
  } else {
    judgement.note("/proc/stat counts no steal time since boot");
  }
}

}  // namespace

Virtualization judge_virtualization(const VirtualizationSigns& signs) {
  Judgement judgement;
  if (signs.x86) {
    judge_cpuid(signs, judgement);
  } else {
    judge_implementer(signs, judgement);
  }
  judge_dmi(signs, judgement);
  judge_firmware(signs, judgement);
  judge_kernel(signs, judgement);

  if (judgement.kind() == MachineKind::kBareMetal) {
    judgement.note(
        "bare metal as far as user space can see: a hypervisor that hides would look so");
  } else if (judgement.kind() == MachineKind::kVirtual && signs.x86) {
    judgement.note(
        "an emulator that shows a hypervisor's signature, or a hypervisor beneath this one, can't "
        "be excluded from user space");
  } else if (judgement.kind() == MachineKind::kVirtual) {
    judgement.note("an emulator of a named core can't be told from a hypervisor by user space");
  }
  return judgement.take();
}

}  // namespace tlblab
