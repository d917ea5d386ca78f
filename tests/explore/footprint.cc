// SPDX-License-Identifier: GPL-2.0-only
// Which parts of the state a step would read and write. Two steps without a part in common give the
// same state in either order, and neither enables or disables the other. The sleep sets rely on
// this; the self-checks compare them with a search without sleep sets.
#include "tests/explore/machine.hh"

namespace tlblab::explore {

namespace {

// Bits: 0 to 15 the cells, then:
constexpr u64 page_bit(u32 cpu, u32 page) { return u64{1} << (16 + cpu * kMaxPages + page); }
constexpr u64 tlb_bits(u32 cpu) { return u64{0xf} << (16 + cpu * kMaxPages); }
constexpr u64 pointers_bit(u32 cpu) { return u64{1} << (32 + cpu); }
constexpr u64 buffer_bit(u32 cpu) { return u64{1} << (36 + cpu); }
constexpr u64 target_bit(u32 initiator, u32 cpu) {
  return u64{1} << (40 + initiator * kMaxCpus + cpu);
}
constexpr u64 request_bits(u32 initiator) { return u64{0xf} << (40 + initiator * kMaxCpus); }
constexpr u64 mode_bit(u32 cpu) { return u64{1} << (56 + cpu); }  // interrupts, mm loaded
constexpr u64 page_books_bit(u32 page) { return u64{1} << (60 + page); }
constexpr u64 cell_bit(u32 cell) { return u64{1} << cell; }

Footprint fibre_footprint(u32 cpu, const Op& op) {
  const u64 buffer = buffer_bit(cpu);
  switch (op.kind) {
    case OpKind::kDone:
    case OpKind::kReturn:     // what it changes is only compared with, by check()
    case OpKind::kFreeTable:  // the same
      return {0, 0};
    case OpKind::kFence:
      return {buffer, 0};
    case OpKind::kLoad:
      return {cell_bit(op.a) | buffer, 0};
    case OpKind::kStore:
      return {0, buffer};
    case OpKind::kAdd:
    case OpKind::kOr:
    case OpKind::kAnd:
    case OpKind::kExchangeIf:
    case OpKind::kLock:
      return {buffer, cell_bit(op.a)};
    case OpKind::kClearLocked:
      return {buffer, cell_bit(kEntryCell + op.a) | page_books_bit(op.a)};
    case OpKind::kClearPlain:
    case OpKind::kClearRead:
      return {cell_bit(kEntryCell + op.a), buffer | page_books_bit(op.a)};
    case OpKind::kClearWrite:
      return {0, buffer};
    case OpKind::kPost:
      return {0, request_bits(cpu)};
    case OpKind::kWait:
      return {mode_bit(cpu), request_bits(cpu) | tlb_bits(cpu) | pointers_bit(cpu)};
    case OpKind::kFlushHere:
      return {0, tlb_bits(cpu) | pointers_bit(cpu)};
    case OpKind::kRelease:
      return {0, page_books_bit(op.a)};
    case OpKind::kInterrupts:
      return {0, mode_bit(cpu) | tlb_bits(cpu)};
    case OpKind::kMm:
      return {0, mode_bit(cpu) | tlb_bits(cpu) | pointers_bit(cpu)};
  }
  return {~u64{0}, ~u64{0}};
}

}  // namespace

Footprint Machine::footprint(StepId id) const {
  if (id < kDrainStep) return fibre_footprint(id, state.pending[id]);
  if (id < kDeliverStep) {
    const u32 cpu = id - kDrainStep;
    return {0, buffer_bit(cpu) | cell_bit(state.buffer[cpu][0] >> 16)};
  }
  if (id < kPointerStep) {
    const u32 initiator = (id - kDeliverStep) / kMaxCpus;
    const u32 cpu = (id - kDeliverStep) % kMaxCpus;
    return {mode_bit(cpu), target_bit(initiator, cpu) | tlb_bits(cpu) | pointers_bit(cpu)};
  }
  if (id < kFillStep) {
    const u32 cpu = (id - kPointerStep) / kMaxTables;
    const u32 table = (id - kPointerStep) % kMaxTables;
    return {cell_bit(kPointerCell + table) | mode_bit(cpu), pointers_bit(cpu)};
  }
  const u32 cpu = (id - kFillStep) % 16 / kMaxPages;
  const u32 page = (id - kFillStep) % kMaxPages;
  const u64 entry = cell_bit(kEntryCell + page);
  // With split walks a walk in flight keeps the others from starting.
  const u64 held = config_.split_walks ? tlb_bits(cpu) : page_bit(cpu, page);
  if (id < kWriteStep) {
    const u64 reads = pointers_bit(cpu) | mode_bit(cpu);
    if (config_.writing != 0) return {reads, held | entry};
    return {reads | entry, held};
  }
  return {mode_bit(cpu), held | entry | page_books_bit(page)};
}

}  // namespace tlblab::explore
