// SPDX-License-Identifier: GPL-2.0-only
// What each step of the modelled machine does, and when it can be done.
#include "tests/explore/machine.hh"

#include <bit>
#include <cstring>

namespace tlblab::explore {

namespace {

constexpr u8 bit(u32 n) { return static_cast<u8>(1U << n); }

/// Operations that become visible at once, so that the CPU's earlier stores must be visible.
constexpr bool is_locked(OpKind kind) {
  switch (kind) {
    case OpKind::kAdd:
    case OpKind::kOr:
    case OpKind::kAnd:
    case OpKind::kExchangeIf:
    case OpKind::kFence:
    case OpKind::kLock:
    case OpKind::kClearLocked:
      return true;
    default:
      return false;
  }
}

constexpr bool is_store(OpKind kind) {
  return kind == OpKind::kStore || kind == OpKind::kClearPlain || kind == OpKind::kClearWrite;
}

/// A CPU's own view of memory: its latest store to the cell, or else what all CPUs see.
u16 seen_by(const State& state, u32 cpu, u32 cell) {
  for (u32 i = state.buffered[cpu]; i-- > 0;) {
    if (state.buffer[cpu][i] >> 16 == cell) return static_cast<u16>(state.buffer[cpu][i]);
  }
  return state.cell[cell];
}

void store(State& state, u32 cpu, u32 cell, u16 value) {
  state.buffer[cpu][state.buffered[cpu]++] = cell << 16 | value;
}

void drain(State& state, u32 cpu) {
  u32* const buffer = state.buffer[cpu];
  state.cell[buffer[0] >> 16] = static_cast<u16>(buffer[0]);
  const u32 nr = --state.buffered[cpu];
  for (u32 i = 0; i < nr; ++i) buffer[i] = buffer[i + 1];
  buffer[nr] = 0;
}

__extension__ using u128 = unsigned __int128;

constexpr u64 mix(u64 a, u64 b) {
  const auto product = static_cast<u128>(a ^ 0x9e3779b97f4a7c15) * (b ^ 0xd1b54a32d192ed03);
  return static_cast<u64>(product) ^ static_cast<u64>(product >> 64);
}

}  // namespace

const char* violation_name(Violation violation) {
  switch (violation) {
    case Violation::kNone:
      return "none";
    case Violation::kLeak:
      return "LEAK";
    case Violation::kAfterReturn:
      return "usable after return";
    case Violation::kWalkInFreed:
      return "walk in a freed table";
    case Violation::kLostWrite:
      return "write lost";
    case Violation::kReleasedTwice:
      return "released twice";
    case Violation::kDeadlock:
      return "deadlock";
  }
  return "?";
}

Machine::Machine(const Config& config, const std::vector<Body>& bodies)
    : config_(config), nr_fibres_(static_cast<u32>(bodies.size())) {
  for (const Body& body : bodies) {
    bodies_.emplace_back([this, body] { body(*this); });
  }
  reset();
}

void Machine::reset() {
  std::memset(&state, 0, sizeof(state));
  for (u32 page = 0; page < config_.nr_pages; ++page) {
    state.cell[kEntryCell + page] = kPresent;
    state.cell[kPointerCell + table_of(page)] = 1;
  }
  state.cell[kCpusCell] = config_.loaded;
  state.cell[kGenerationCell] = 1;
  state.cell[kAsidCell] = kFirstAsid;
  state.loaded = config_.loaded;
  state.last_fibre = kMaxCpus;
  for (u32 cpu = 0; cpu < config_.nr_cpus; ++cpu) {
    state.tlb[cpu] = config_.tlb;
    state.asid[cpu] = kFirstAsid;
  }
  for (u32 cpu = 0; cpu < nr_fibres_; ++cpu) {
    running_ = cpu;
    fibres_[cpu].start(&bodies_[cpu]);
    fibres_[cpu].resume();
  }
}

u16 Machine::perform(OpKind kind, u32 a, u32 b, u32 value) {
  state.pending[running_] = {kind, static_cast<u8>(a), static_cast<u16>(b),
                             static_cast<u16>(value)};
  fibres_[running_].leave();
  return result_;
}

bool Machine::can_perform(u32 cpu) const {
  const Op& op = state.pending[cpu];
  if (op.kind == OpKind::kDone) return false;
  if (is_locked(op.kind) && state.buffered[cpu] != 0) return false;
  if (is_store(op.kind) && state.buffered[cpu] == kMaxBuffered) return false;
  if (op.kind == OpKind::kLock) return state.cell[op.a] == 0;
  if (op.kind == OpKind::kWait) {
    return state.request[cpu].outstanding == 0 || (op.a != 0 && config_.broken_completion);
  }
  return true;
}

bool Machine::finished() const {
  for (u32 cpu = 0; cpu < nr_fibres_; ++cpu) {
    if (state.pending[cpu].kind != OpKind::kDone) return false;
  }
  return true;
}

u64 Machine::enabled() const {
  u64 steps = 0;
  if (prompt_stores_) {
    for (u32 cpu = 0; cpu < config_.nr_cpus; ++cpu) {
      if (state.buffered[cpu] != 0) steps |= u64{1} << (kDrainStep + cpu);
    }
    if (steps != 0) return steps;
  }
  for (u32 cpu = 0; cpu < nr_fibres_; ++cpu) {
    if (can_perform(cpu)) steps |= u64{1} << (kFibreStep + cpu);
    u8 outstanding = state.request[cpu].outstanding;
    if (config_.arch == Arch::kX86) outstanding &= static_cast<u8>(~state.masked);
    steps |= u64{outstanding} << (kDeliverStep + cpu * kMaxCpus);
  }
  for (u32 cpu = 0; cpu < config_.nr_cpus; ++cpu) {
    if (state.buffered[cpu] != 0) steps |= u64{1} << (kDrainStep + cpu);
    if ((state.loaded & config_.speculating & bit(cpu)) == 0) continue;
    for (u32 table = 0; table < kMaxTables; ++table) {
      if (state.cell[kPointerCell + table] != 0 && (state.pointers[cpu] & bit(table)) == 0) {
        steps |= u64{1} << (kPointerStep + cpu * kMaxTables + table);
      }
    }
    for (u32 page = 0; page < config_.nr_pages; ++page) {
      const bool present = (state.cell[kEntryCell + page] & kPresent) != 0;
      const bool held = (state.tlb[cpu] & bit(page)) != 0;
      const u32 at = cpu * kMaxPages + page;
      if (state.walk[cpu] != 0) {
        if (state.walk[cpu] == page + 1) steps |= u64{1} << (kFillStep + at);
      } else if (present && !held && (state.pointers[cpu] & bit(table_of(page))) != 0) {
        steps |= u64{1} << (kFillStep + at);
      }
      if ((config_.writing & bit(cpu)) == 0 || !held) continue;
      const bool dirty = (state.tlb_dirty[cpu] & bit(page)) != 0;
      if (dirty ? (state.written & bit(page)) == 0 : present) {
        steps |= u64{1} << (kWriteStep + at);
      }
    }
  }
  return steps;
}

void Machine::step(StepId id) {
  if (id < kDrainStep) {
    running_ = id;
    result_ = execute(id, state.pending[id]);
    state.history[id] = mix(state.history[id], result_);
    state.last_fibre = id;
    state.pending[id].kind = OpKind::kDone;  // unless it asks for another
    fibres_[id].resume();
  } else if (id < kDeliverStep) {
    drain(state, id - kDrainStep);
  } else if (id < kPointerStep) {
    deliver((id - kDeliverStep) / kMaxCpus, (id - kDeliverStep) % kMaxCpus);
  } else if (id < kFillStep) {
    const u32 at = id - kPointerStep;
    state.pointers[at / kMaxTables] |= bit(at % kMaxTables);
  } else if (id < kWriteStep) {
    fill((id - kFillStep) / kMaxPages, (id - kFillStep) % kMaxPages);
  } else {
    write_page((id - kWriteStep) / kMaxPages, (id - kWriteStep) % kMaxPages);
  }
  check();
}

u16 Machine::execute(u32 cpu, const Op& op) {
  State& s = state;
  const u8 self = bit(cpu);
  switch (op.kind) {
    case OpKind::kDone:
    case OpKind::kFence:
      break;
    case OpKind::kLoad:
      return seen_by(s, cpu, op.a);
    case OpKind::kStore:
      store(s, cpu, op.a, op.value);
      break;
    case OpKind::kAdd:
      return s.cell[op.a] = static_cast<u16>(s.cell[op.a] + op.value);
    case OpKind::kOr:
      return s.cell[op.a] |= op.value;
    case OpKind::kAnd:
      return s.cell[op.a] &= op.value;
    case OpKind::kExchangeIf:
      if (s.cell[op.a] != op.b) return 0;
      s.cell[op.a] = op.value;
      return 1;
    case OpKind::kLock:
      s.cell[op.a] = 1;
      break;
    case OpKind::kClearLocked:
    case OpKind::kClearPlain:
    case OpKind::kClearRead: {
      const u16 entry = seen_by(s, cpu, kEntryCell + op.a);
      if ((entry & kDirty) != 0) s.harvested |= bit(op.a);
      if (op.kind == OpKind::kClearLocked) s.cell[kEntryCell + op.a] = 0;
      if (op.kind == OpKind::kClearPlain && entry != 0) store(s, cpu, kEntryCell + op.a, 0);
      return entry & kPresent;
    }
    case OpKind::kClearWrite:
      store(s, cpu, kEntryCell + op.a, 0);
      break;
    case OpKind::kPost: {
      // What is added reaches every target, together with what it may have carried out already:
      // those entries are empty, so nothing comes back that this could take away by luck.
      Request& request = s.request[cpu];
      request.pages |= op.a;
      request.tables |= static_cast<u8>(op.b);
      request.outstanding |= static_cast<u8>(op.value & 0xff & ~self);
      request.asid = static_cast<u8>(op.value >> 8);
      break;
    }
    case OpKind::kWait:
      flush(cpu, s.request[cpu]);
      if (s.request[cpu].outstanding == 0) s.request[cpu] = {};
      break;
    case OpKind::kFlushHere:
      s.tlb[cpu] = s.tlb_dirty[cpu] = s.pointers[cpu] = s.walk[cpu] = 0;
      break;
    case OpKind::kRelease:
      if ((s.released & bit(op.a)) != 0) s.violation = Violation::kReleasedTwice;
      if ((s.written & ~s.harvested & bit(op.a)) != 0) s.violation = Violation::kLostWrite;
      s.released |= bit(op.a);
      return 1;
    case OpKind::kReturn:
      s.returned |= op.a;
      break;
    case OpKind::kFreeTable:
      s.freed |= bit(op.a);
      break;
    case OpKind::kInterrupts:
      s.masked = static_cast<u8>(op.a != 0 ? s.masked & ~self : s.masked | self);
      break;
    case OpKind::kMm:
      s.loaded = static_cast<u8>(op.a != 0 ? s.loaded | self : s.loaded & ~self);
      s.walk[cpu] = 0;
      if (op.b != 0) {
        s.tlb[cpu] = s.tlb_dirty[cpu] = s.pointers[cpu] = 0;
        s.asid[cpu] = static_cast<u8>(op.b);
      }
      break;
  }
  return 0;
}

void Machine::flush(u32 cpu, const Request& request) {
  const u8 pages = request.pages;
  const u8 tables = request.tables;
  if (tables == kEverything) {
    state.tlb[cpu] = state.tlb_dirty[cpu] = state.pointers[cpu] = state.walk[cpu] = 0;
    return;
  }
  // With PCID an x86 CPU that has left the mm keeps its translations, and must check the generation
  // when it comes back. arm64's broadcast finds it anywhere, under its ASID.
  if (config_.arch == Arch::kX86 && (state.loaded & bit(cpu)) == 0) return;
  if (config_.arch == Arch::kArm64 && request.asid != state.asid[cpu]) return;
  state.tlb[cpu] &= static_cast<u8>(~pages);
  state.tlb_dirty[cpu] &= state.tlb[cpu];
  // x86: any invalidation also drops all pointers of the address space. Intel SDM 4.10.4.1.
  state.pointers[cpu] &= static_cast<u8>(config_.arch == Arch::kX86 ? 0 : ~tables);
  if (state.walk[cpu] != 0 && (pages & bit(state.walk[cpu] - 1U)) != 0) state.walk[cpu] = 0;
}

void Machine::deliver(u32 initiator, u32 cpu) {
  Request& request = state.request[initiator];
  flush(cpu, request);
  request.outstanding &= static_cast<u8>(~bit(cpu));
}

void Machine::fill(u32 cpu, u32 page) {
  u16& entry = state.cell[kEntryCell + page];
  if (config_.split_walks && state.walk[cpu] == 0) {
    state.walk[cpu] = static_cast<u8>(page + 1);
    return;
  }
  state.walk[cpu] = 0;
  if (config_.writing != 0) {
    // The accessed bit is set by an atomic operation that fails if the entry is gone.
    if ((entry & kPresent) == 0) return;
    entry |= kAccessed;
    if ((entry & kDirty) != 0) state.tlb_dirty[cpu] |= bit(page);
  }
  state.tlb[cpu] |= bit(page);
}

void Machine::write_page(u32 cpu, u32 page) {
  if ((state.tlb_dirty[cpu] & bit(page)) == 0) {
    state.cell[kEntryCell + page] |= kAccessed | kDirty;
    state.tlb_dirty[cpu] |= bit(page);
  }
  state.written |= bit(page);
}

void Machine::check() {
  if (state.violation != Violation::kNone) return;
  for (u32 cpu = 0; cpu < config_.nr_cpus; ++cpu) {
    if ((state.loaded & bit(cpu)) == 0) continue;
    if ((state.tlb[cpu] & state.released) != 0) {
      state.violation = Violation::kLeak;
    } else if ((state.tlb[cpu] & state.returned) != 0) {
      state.violation = Violation::kAfterReturn;
    } else if ((state.pointers[cpu] & state.freed) != 0) {
      state.violation = Violation::kWalkInFreed;
    }
  }
}

u64 Machine::key(bool with_last_fibre) const {
  constexpr std::size_t kKeyBytes = offsetof(State, pending);
  static_assert(kKeyBytes % sizeof(u64) == 0);
  u64 words[kKeyBytes / sizeof(u64)];
  std::memcpy(words, &state, kKeyBytes);
  if (!with_last_fibre) {
    constexpr std::size_t kAt = offsetof(State, last_fibre);
    static_assert(std::endian::native == std::endian::little);
    words[kAt / 8] &= ~(u64{0xff} << (kAt % 8 * 8));
  }
  // Two chains, so that the multiplications overlap.
  u64 even = 0;
  u64 odd = 0x5851f42d4c957f2d;
  for (std::size_t i = 0; i + 1 < std::size(words); i += 2) {
    even = mix(even, words[i]);
    odd = mix(odd, words[i + 1]);
  }
  if constexpr (std::size(words) % 2 != 0) even = mix(even, words[std::size(words) - 1]);
  const u64 key = mix(even, odd);
  return key == 0 ? 1 : key;  // 0 marks a free slot of the table
}

}  // namespace tlblab::explore
