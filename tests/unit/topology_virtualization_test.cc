// SPDX-License-Identifier: GPL-2.0-only
// Bare metal, virtual or emulated: each sign alone, signs that contradict, and none at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/topology_planted_files.hh"
#include "user/topology/virtualization.hh"

namespace tlblab {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

VirtualizationSigns x86_host() {
  VirtualizationSigns signs;
  signs.x86 = true;
  signs.cpu_brand = "AMD EPYC 9654";
  signs.dmi_vendor = "Supermicro";
  signs.dmi_product = "AS -1125HS-TNR";
  signs.steal_ticks = 0;
  return signs;
}

VirtualizationSigns x86_guest(const std::string& signature) {
  VirtualizationSigns signs = x86_host();
  signs.cpuid_hypervisor_bit = true;
  signs.cpuid_signature = signature;
  signs.dmi_vendor.reset();
  signs.dmi_product.reset();
  return signs;
}

VirtualizationSigns arm64_host() {
  VirtualizationSigns signs;
  signs.implementer = 0x41;
  signs.steal_ticks = 0;
  return signs;
}

TEST(Virtualization, BareMetalSaysHowFarItCanSee) {
  for (const VirtualizationSigns& signs : {x86_host(), arm64_host()}) {
    const Virtualization result = judge_virtualization(signs);
    EXPECT_EQ(result.kind, MachineKind::kBareMetal);
    EXPECT_EQ(result.hypervisor, "");
    EXPECT_THAT(result.evidence, Contains(HasSubstr("bare metal as far as user space can see")));
    EXPECT_THAT(result.evidence, Contains(HasSubstr("no /sys/hypervisor")));
  }
}

TEST(Virtualization, CpuidSignaturesNameTheHypervisor) {
  EXPECT_EQ(judge_virtualization(x86_guest("KVMKVMKVM")).hypervisor, "KVM");
  EXPECT_EQ(judge_virtualization(x86_guest("VMwareVMware")).hypervisor, "VMware");
  EXPECT_EQ(judge_virtualization(x86_guest("Microsoft Hv")).hypervisor, "Hyper-V");
  EXPECT_EQ(judge_virtualization(x86_guest("XenVMMXenVMM")).hypervisor, "Xen");
  const Virtualization unheard_of = judge_virtualization(x86_guest("WhoKnowsWhat"));
  EXPECT_EQ(unheard_of.kind, MachineKind::kVirtual);
  EXPECT_THAT(unheard_of.evidence, Contains(HasSubstr("WhoKnowsWhat")));
}

TEST(Virtualization, KvmDoesNotExcludeAnEmulator) {
  const Virtualization result = judge_virtualization(x86_guest("KVMKVMKVM"));
  EXPECT_EQ(result.kind, MachineKind::kVirtual);
  EXPECT_THAT(result.evidence, Contains(HasSubstr("can't be excluded")));
}

TEST(Virtualization, TcgIsEmulationWhateverElseIsShown) {
  VirtualizationSigns signs = x86_guest("TCGTCGTCGTCG");
  signs.dmi_vendor = "QEMU";
  signs.steal_ticks = 5;
  const Virtualization result = judge_virtualization(signs);
  EXPECT_EQ(result.kind, MachineKind::kEmulated);
  EXPECT_EQ(result.hypervisor, "TCG (QEMU)");
}

TEST(Virtualization, EmulatorThatHidesItsSignatureIsSeenByItsBrand) {
  VirtualizationSigns signs = x86_host();
  signs.cpu_brand = "QEMU TCG CPU version 2.5+";
  EXPECT_EQ(judge_virtualization(signs).kind, MachineKind::kEmulated);
}

TEST(Virtualization, HiddenHypervisorBitIsOutvoted) {
  VirtualizationSigns by_steal = x86_host();
  by_steal.steal_ticks = 43;
  EXPECT_EQ(judge_virtualization(by_steal).kind, MachineKind::kVirtual);
  VirtualizationSigns by_dmi = x86_host();
  by_dmi.dmi_vendor = "QEMU";
  EXPECT_EQ(judge_virtualization(by_dmi).kind, MachineKind::kVirtual);
  EXPECT_EQ(judge_virtualization(by_dmi).hypervisor, "QEMU");
}

TEST(Virtualization, ProgramThatDrivesTheHypervisorIsNamedToo) {
  VirtualizationSigns signs = x86_guest("KVMKVMKVM");
  signs.acpi_oem = "FIRECK";
  EXPECT_EQ(judge_virtualization(signs).hypervisor, "KVM (Firecracker)");
}

TEST(Virtualization, RentedWholeMachineIsBareMetal) {
  VirtualizationSigns signs = arm64_host();
  signs.dmi_vendor = "Amazon EC2";
  signs.dmi_product = "c7g.metal";
  signs.acpi_oem = "AMAZON";
  EXPECT_EQ(judge_virtualization(signs).kind, MachineKind::kBareMetal);
  signs.dmi_product = "c7g.large";
  EXPECT_EQ(judge_virtualization(signs).kind, MachineKind::kVirtual);
}

TEST(Virtualization, Arm64SignsEachDecide) {
  VirtualizationSigns emulated = arm64_host();
  emulated.implementer = 0;
  EXPECT_EQ(judge_virtualization(emulated).kind, MachineKind::kEmulated);

  VirtualizationSigns by_node = arm64_host();
  by_node.tree_hypervisor = "linux,kvm";
  EXPECT_EQ(judge_virtualization(by_node).hypervisor, "KVM");

  VirtualizationSigns by_board = arm64_host();
  by_board.tree_platform = "linux,dummy-virt";
  const Virtualization result = judge_virtualization(by_board);
  EXPECT_EQ(result.kind, MachineKind::kVirtual);
  EXPECT_THAT(result.evidence, Contains(HasSubstr("can't be told")));

  VirtualizationSigns by_sys = arm64_host();
  by_sys.sys_hypervisor = "xen";
  EXPECT_EQ(judge_virtualization(by_sys).hypervisor, "Xen");
}

TEST(Virtualization, SignsAreReadFromTheirFiles) {
  const PlantedFiles files;
  files.plant("/proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x00\nCPU part\t: 0x051\n");
  files.plant("/proc/device-tree/compatible", std::string("linux,dummy-virt\0", 17));
  files.plant("/sys/class/dmi/id/sys_vendor", "QEMU\n");
  files.plant("/sys/firmware/acpi/tables/FACP", "FACP012345BOCHS BXPC    ");
  files.plant("/proc/stat", "cpu  1 2 3 4 5 6 7 88 9 10\ncpu0 1 2 3 4 5 6 7 88 9 10\n");
  files.plant("/sys/hypervisor/type", "xen\n");
  const VirtualizationSigns signs = read_virtualization_signs(files.root());
  EXPECT_EQ(signs.implementer, 0u);
  EXPECT_EQ(signs.tree_platform, "linux,dummy-virt");
  EXPECT_EQ(signs.dmi_vendor, "QEMU");
  EXPECT_EQ(signs.dmi_product, std::nullopt);
  EXPECT_EQ(signs.acpi_oem, "BOCHS");
  EXPECT_EQ(signs.steal_ticks, 88u);
  EXPECT_EQ(signs.sys_hypervisor, "xen");
  EXPECT_EQ(signs.tree_hypervisor, std::nullopt);
}

}  // namespace
}  // namespace tlblab
