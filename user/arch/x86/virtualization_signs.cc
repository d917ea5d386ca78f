// SPDX-License-Identifier: GPL-2.0-only
// What x86's CPUID says of a hypervisor.
#include <cpuid.h>

#include <cstring>

#include "user/topology/virtualization.hh"

namespace tlblab {

void add_cpu_signs(VirtualizationSigns& signs) {
  signs.x86 = true;
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  __cpuid(1, eax, ebx, ecx, edx);
  signs.cpuid_hypervisor_bit = (ecx >> 31) != 0;
  if (signs.cpuid_hypervisor_bit) {
    __cpuid(0x40000000, eax, ebx, ecx, edx);
    const std::uint32_t parts[] = {ebx, ecx, edx};
    char signature[sizeof parts];
    std::memcpy(signature, parts, sizeof parts);
    signs.cpuid_signature.assign(signature, ::strnlen(signature, sizeof signature));
  }
}

}  // namespace tlblab
