// SPDX-License-Identifier: GPL-2.0-only
// The words for each step, and the columns.
#include "tests/explore/counterexample.hh"

#include <bit>
#include <sstream>
#include <utility>
#include <vector>

namespace tlblab::explore {

namespace {

struct Line {
  u32 cpu;
  std::string text;
  bool is_pointer = false;  ///< of interest only where walk caches are
  bool is_plain = false;    ///< of no interest
};

constexpr StepId kNoStep = kStepIds;
const char* const kWalkCaches = "walk caches";

std::string page_name(u32 page) { return {static_cast<char>('A' + page)}; }

std::string page_names(u32 pages) {
  std::string names;
  for (; pages != 0; pages &= pages - 1) {
    if (!names.empty()) names += ", ";
    names += page_name(static_cast<u32>(std::countr_zero(pages)));
  }
  return names.empty() ? "nothing" : names;
}

std::string cpu_names(u32 cpus) {
  std::string names;
  for (; cpus != 0; cpus &= cpus - 1) {
    if (!names.empty()) names += ", ";
    names += "CPU " + std::to_string(std::countr_zero(cpus));
  }
  return names.empty() ? "no CPU" : names;
}

class Writer {
 public:
  Writer(Machine& machine, const Scenario& scenario) : machine_(machine), scenario_(scenario) {}

  /// What the step is about to do; `next` comes after it.
  Line line_of(StepId id, StepId next) {
    const State& s = machine_.state;
    if (id < kDrainStep) {
      const Op& op = s.pending[id];
      std::string text = operation(id, op);
      const bool is_store = op.kind == OpKind::kClearPlain || op.kind == OpKind::kClearWrite ||
                            (op.kind == OpKind::kStore && !is_lock(op.a));
      drained_at_once_ = next == kDrainStep + id && s.buffered[id] == 0;
      if (is_store && !drained_at_once_) text += ", not yet visible";
      return {id, text};
    }
    if (id < kDeliverStep) {
      const u32 cpu = id - kDrainStep;
      const u32 oldest = s.buffer[cpu][0];
      const bool is_plain = std::exchange(drained_at_once_, false) || is_lock(oldest >> 16);
      return {
          cpu,
          cell_name(oldest >> 16) + " = " + std::to_string(oldest & 0xffff) + " becomes visible",
          false, is_plain};
    }
    if (id < kPointerStep) {
      const u32 initiator = (id - kDeliverStep) / kMaxCpus;
      const u32 cpu = (id - kDeliverStep) % kMaxCpus;
      const bool ipi = machine_.config().arch == Arch::kX86;
      const bool away = ipi && (s.loaded >> cpu & 1) == 0;
      return {cpu, away ? "takes the interrupt; away, flushes nothing"
                        : (ipi ? "takes the interrupt, flushes " : "carries out the TLBI: ") +
                              page_names(s.request[initiator].pages)};
    }
    if (id < kFillStep) {
      const u32 at = id - kPointerStep;
      return {at / kMaxTables,
              "its walker reads the pointer to table " + std::to_string(at % kMaxTables), true};
    }
    const u32 cpu = (id - kFillStep) % 16 / kMaxPages;
    const u32 page = (id - kFillStep) % kMaxPages;
    if (id >= kWriteStep) return {cpu, "writes " + page_name(page)};
    if (is_busy(cpu)) {
      limit("speculation");
      return {cpu, "its walker loads " + page_name(page) + " by itself"};
    }
    if (s.cell[kPointerCell + machine_.table_of(page)] == 0) limit(kWalkCaches);
    return {cpu, "reads " + page_name(page) + ": loads its translation"};
  }

  /// The violation, as the step that would show it; `last` is the step before.
  Line last_line(Violation violation, StepId last) {
    const State& s = machine_.state;
    for (u32 cpu = 0; cpu < machine_.config().nr_cpus; ++cpu) {
      if (violation == Violation::kDeadlock && is_busy(cpu)) return {cpu, "waits for ever"};
      if ((s.loaded >> cpu & 1) == 0) continue;
      const u32 leaked = s.tlb[cpu] & s.released;
      const u32 kept = s.tlb[cpu] & s.returned;
      const u32 freed = s.pointers[cpu] & s.freed;
      const char* const use = is_busy(cpu) ? "can use " : "writes ";
      if (violation == Violation::kLeak && leaked != 0) {
        return {cpu, use + first(leaked) + " through its TLB: a frame that has another owner"};
      }
      if (violation == Violation::kAfterReturn && kept != 0) {
        return {cpu, use + first(kept) + " through its TLB, after its unmap returned"};
      }
      if (violation == Violation::kWalkInFreed && freed != 0) {
        limit(kWalkCaches);
        return {cpu, "its walker reads an entry in table " +
                         std::to_string(std::countr_zero(freed)) + ", which has another owner"};
      }
    }
    const u32 releaser = last < kDrainStep ? last : 0;
    return {releaser, violation == Violation::kLostWrite
                          ? "the frame was written, and is taken for clean"
                          : "the frame has two owners now"};
  }

  [[nodiscard]] const std::string& limits() const { return limits_; }

 private:
  static std::string first(u32 pages) {
    return page_name(static_cast<u32>(std::countr_zero(pages)));
  }

  void limit(const std::string& what) {
    if (limits_.find(what) != std::string::npos) return;
    limits_ += (limits_.empty() ? "" : ", ") + what;
  }

  static bool is_lock(u32 cell) { return cell >= kTableLockCell && cell <= kClaimCell; }

  /// Whether its fibre is in the kernel.
  [[nodiscard]] bool is_busy(u32 cpu) const {
    return cpu < machine_.nr_fibres() && machine_.state.pending[cpu].kind != OpKind::kDone;
  }

  [[nodiscard]] std::string cell_name(u32 cell) const {
    if (cell == kAsidCell) return "the ASID";
    if (cell >= kWordCell && scenario_.words.at(cell - kWordCell) != nullptr) {
      return scenario_.words.at(cell - kWordCell);
    }
    if (cell == kGenerationCell) return "the generation";
    if (cell == kCpusCell) return "the CPU mask";
    if (cell == kClaimCell) return "the claim";
    if (cell >= kTableLockCell) return "table " + std::to_string(cell - kTableLockCell) + "'s lock";
    if (cell >= kPointerCell) return "the pointer to table " + std::to_string(cell - kPointerCell);
    return page_name(cell) + "'s entry";
  }

  std::string operation(u32 cpu, const Op& op) {
    const State& s = machine_.state;
    const auto value = std::to_string(op.value);
    if (s.buffered[cpu] != 0 && op.kind != OpKind::kStore) limit_if_overtaken(cpu, op);
    switch (op.kind) {
      case OpKind::kDone:
        break;
      case OpKind::kLoad:
        if (op.a == kCpusCell) return "reads the CPU mask: " + cpu_names(seen(cpu, op.a));
        return "reads " + cell_name(op.a) + ": " + std::to_string(seen(cpu, op.a));
      case OpKind::kStore:
        if (op.a == kCpusCell) return "stores the CPU mask: " + cpu_names(op.value);
        if (is_lock(op.a)) return "drops " + cell_name(op.a);
        return "stores " + cell_name(op.a) + " = " + value;
      case OpKind::kAdd:
        return cell_name(op.a) + " = " + std::to_string(static_cast<u16>(s.cell[op.a] + op.value)) +
               ", locked";
      case OpKind::kOr:
        return "sets its bit in " + cell_name(op.a) + ", locked";
      case OpKind::kAnd:
        return "clears its bit in " + cell_name(op.a) + ", locked";
      case OpKind::kExchangeIf:
        return cell_name(op.a) + ": if " + std::to_string(op.b) + ", then " + value +
               (s.cell[op.a] == op.b ? "" : " (it is not)");
      case OpKind::kFence:
        return "waits until its stores are visible";
      case OpKind::kLock:
        return "takes " + cell_name(op.a);
      case OpKind::kClearLocked:
      case OpKind::kClearPlain: {
        const bool present = (seen(cpu, kEntryCell + op.a) & kPresent) != 0;
        return present ? "empties the entry of " + page_name(op.a)
                       : "finds the entry of " + page_name(op.a) + " empty";
      }
      case OpKind::kClearRead:
        return "reads the entry of " + page_name(op.a);
      case OpKind::kClearWrite:
        return "stores 0 to the entry of " + page_name(op.a);
      case OpKind::kPost: {
        const u32 asid = op.value >> 8;
        return "flush of " + (op.b == kEverything ? "everything" : page_names(op.a)) +
               (asid == 0 ? "" : " under ASID " + std::to_string(asid)) + ": tells " +
               cpu_names(op.value & 0xff & ~(1U << cpu));
      }
      case OpKind::kWait:
        if (s.request[cpu].outstanding != 0) {
          limit("broken completion");
          return "flushes its own TLB: complete, its core says";
        }
        return "flushes its own TLB: the flush is complete";
      case OpKind::kFlushHere:
        return "flushes its own TLB";
      case OpKind::kRelease:
        return "releases the frame of " + page_name(op.a);
      case OpKind::kReturn:
        return "returns: " + page_names(op.a) + " unmapped";
      case OpKind::kFreeTable:
        return "frees table " + std::to_string(op.a);
      case OpKind::kInterrupts:
        return op.a != 0 ? "interrupts on" : "interrupts off";
      case OpKind::kMm:
        if (op.a == 0) return "leaves the mm, keeps its TLB";
        if (op.b != 0)
          return "uses the mm under ASID " + std::to_string(op.b) + ", its TLB is empty";
        if (s.tlb[cpu] != 0) limit("PCID");
        return s.tlb[cpu] != 0 ? "uses the mm; still has " + page_names(s.tlb[cpu]) : "uses the mm";
    }
    return "?";
  }

  [[nodiscard]] u16 seen(u32 cpu, u32 cell) const {
    const State& s = machine_.state;
    u16 value = s.cell[cell];
    for (u32 i = 0; i < s.buffered[cpu]; ++i) {
      if (s.buffer[cpu][i] >> 16 == cell) value = static_cast<u16>(s.buffer[cpu][i]);
    }
    return value;
  }

  /// Goes on to read elsewhere, or to act on other CPUs, while an own store is not yet visible.
  void limit_if_overtaken(u32 cpu, const Op& op) {
    const State& s = machine_.state;
    for (u32 i = 0; i < s.buffered[cpu]; ++i) {
      const u32 cell = s.buffer[cpu][i] >> 16;
      if (!is_lock(cell) && (op.kind == OpKind::kLoad || op.kind == OpKind::kPost)) {
        limit("store buffers");
      }
    }
  }

  Machine& machine_;
  const Scenario& scenario_;
  std::string limits_;
  bool drained_at_once_ = false;
};

std::vector<std::string> wrap(const std::string& text, std::size_t width) {
  std::vector<std::string> lines(1);
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width) {
      lines.emplace_back();
    }
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
  }
  return lines;
}

}  // namespace

Counterexample write_counterexample(Machine& machine, const Scenario& scenario, const Trace& trace,
                                    Violation violation) {
  Writer writer(machine, scenario);
  machine.reset();
  std::vector<Line> lines;
  for (std::size_t i = 0; i < trace.size(); ++i) {
    lines.push_back(writer.line_of(trace[i], i + 1 < trace.size() ? trace[i + 1] : kNoStep));
    machine.step(trace[i]);
  }
  lines.push_back(writer.last_line(violation, trace.empty() ? kNoStep : trace.back()));
  const bool has_pointers = writer.limits().find(kWalkCaches) != std::string::npos;
  std::erase_if(
      lines, [&](const Line& line) { return line.is_plain || (line.is_pointer && !has_pointers); });

  const u32 nr_cpus = machine.config().nr_cpus;
  const std::size_t width = nr_cpus == 2 ? 44 : 30;
  std::ostringstream out;
  const auto put = [&](const std::string& number, u32 cpu, const std::string& text) {
    std::string line = std::string(5 - number.size(), ' ') + number + "  ";
    line += std::string(cpu * (width + 2), ' ') + text;
    out << line << '\n';
  };
  std::string heads;
  for (u32 cpu = 0; cpu < nr_cpus; ++cpu) {
    std::string head = "CPU " + std::to_string(cpu);
    if (cpu < machine.nr_fibres()) head += ", kernel";
    if (cpu + 1 < nr_cpus) head.resize(width + 2, ' ');
    heads += head;
  }
  put("", 0, heads);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    bool is_first = true;
    for (const std::string& part : wrap(lines[i].text, width)) {
      put(is_first ? std::to_string(i + 1) : "", lines[i].cpu, part);
      is_first = false;
    }
  }
  return {out.str(), writer.limits()};
}

}  // namespace tlblab::explore
