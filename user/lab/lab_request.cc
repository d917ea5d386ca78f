// SPDX-License-Identifier: GPL-2.0-only
// Requests, and why a module refuses one.
#include "user/lab/lab_request.hh"

#include "include/tlblab/catalogue.hh"

namespace tlblab {
namespace {

using catalogue::has;

/// Without dsb-each the machine's own way, of which it has one.
tlblab_mechanism mechanism_of(const LabComposition& composition, std::uint64_t mechanisms) {
  if (composition.dsb_each) return TLBLAB_TLBI_DSB_EACH;
  return has(mechanisms, TLBLAB_TLBI_DSB_ONCE) ? TLBLAB_TLBI_DSB_ONCE : TLBLAB_KERNEL_SHOOTDOWN;
}

}  // namespace

tlblab_request lab_request(const LabComposition& composition, const tlblab_capabilities& can) {
  tlblab_request request{};
  request.size = sizeof request;
  request.operation = composition.operation;
  request.gather = composition.gather;
  request.extent = composition.extent;
  request.release = composition.release;
  request.mechanism = mechanism_of(composition, can.mechanisms);
  request.ceiling_pages = composition.ceiling_pages;
  request.batch_pages = composition.batch_pages;
  request.fault = composition.no_repeat ? TLBLAB_NO_REPEAT : 0;
  return request;
}

std::string lab_refusal(const LabComposition& composition, const tlblab_capabilities& can) {
  if (composition.dsb_each && !has(can.mechanisms, TLBLAB_TLBI_DSB_EACH)) {
    return "dsb-each is for arm64, where DSBs exist";
  }
  if (composition.no_repeat && !has(can.faults, TLBLAB_NO_REPEAT)) {
    return "no-repeat is for arm64 cores with broken completion of broadcast TLBI, which these are "
           "not";
  }
  if (!has(can.operations, composition.operation) || !has(can.gathers, composition.gather) ||
      !has(can.extents, composition.extent) || !has(can.releases, composition.release) ||
      !has(can.mechanisms, mechanism_of(composition, can.mechanisms))) {
    return "the loaded module does not have it; a newer one may";
  }
  return "";
}

}  // namespace tlblab
