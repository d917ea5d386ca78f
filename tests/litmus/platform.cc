// SPDX-License-Identifier: GPL-2.0-only
#include "tests/litmus/platform.hh"

namespace tlblab::litmus {

namespace {

void* to_handle(u32 page) { return reinterpret_cast<void*>(u64{page} + 1); }
u32 from_handle(const void* handle) { return static_cast<u32>(reinterpret_cast<u64>(handle) - 1); }

/// The suffix of LSE's atomics.
const char* lse_suffix(Order order) {
  switch (order) {
    case Order::kRelaxed:
      return "";
    case Order::kAcquire:
      return "A";
    case Order::kRelease:
      return "L";
    case Order::kFull:
      return "AL";
  }
  give_up("no such order");
}

// Linux's full order without LSE: a store-release, and a barrier after it.
const char* exclusive_load(Order order) { return order == Order::kAcquire ? "LDAXR" : "LDXR"; }
const char* exclusive_store(Order order) {
  return order == Order::kRelease || order == Order::kFull ? "STLXR" : "STXR";
}

}  // namespace

// --- Pages

void Platform::clear(u32 page) {
  const u32 entry = column_.holding("PTE(" + page_name(page) + ")");
  const u32 empty = column_.holding("(oa:PA(" + page_name(page) + "),valid:0)");
  column_.emit("STR " + x(empty) + "," + at(entry));
}

lab_span Platform::clear_span(lab_table&, u64 span, u32 nr, void** frames) {
  u64 mask = 0;
  for (u32 page = 0; page < test_.nr_pages(); ++page) {
    if (address(page) < span || address(page) >= span + nr * kPageBytes) continue;
    clear(page);
    mask |= u64{1} << ((address(page) - span) >> kPageShift);
    *frames++ = to_handle(page);
  }
  return {.cleared = mask, .foreign = 0};
}

void Platform::release(u32 page) {
  const u32 frame = column_.holding(page_name(page) + "_next");
  const u32 data = column_.constant(kNextOwnersData);
  column_.emit("STR " + w(data) + "," + at(frame));
}

void Platform::look_at_released() {
  column_.emit("DMB ISH");
  for (u32 page = 0; page < test_.nr_pages(); ++page) {
    const u32 seen = column_.fresh();
    column_.emit("LDR " + w(seen) + "," + at(column_.holding(page_name(page) + "_next")));
    test_.violation(cpu_, seen, kStaleData);
  }
}

u64 Platform::release(void* const* frames, u32 nr) {
  for (u32 i = 0; i < nr; ++i) release(from_handle(frames[i]));
  return nr;
}

// --- The steps of a flush

void Platform::publish() {
  if (is(kFenceFirst)) column_.emit("DMB ISH");
  if (!is(kOmitPublish)) column_.emit(is(kPublishAll) ? "DSB ISH" : "DSB ISHST");
}

u64 Platform::invalidate(u64, const lab_interval& interval, bool) {
  if (is(kOmitTlbi)) return 0;
  const u64 end = interval.end - (is(kOmitLastPage) ? kPageBytes : 0);
  for (u32 page = 0; page < test_.nr_pages(); ++page) {
    if (address(page) < interval.start || address(page) >= end) continue;
    const u32 operand = column_.fresh();
    column_.emit("LSR " + x(operand) + "," + x(column_.holding(page_name(page))) + ",#12");
    column_.emit((is(kLocal) ? "TLBI VALE1," : "TLBI VALE1IS,") + x(operand));
  }
  return 0;
}

u64 Platform::invalidate_mm(u64, bool) {
  if (!is(kOmitTlbi)) column_.emit(is(kLocal) ? "TLBI VMALLE1" : "TLBI VMALLE1IS");
  return 0;
}

u64 Platform::complete(bool repeat) {
  if (is(kOmitCompletion)) return 0;
  column_.emit("DSB ISH");
  if (!repeat || !is(kRepeatTlbi)) return 0;
  column_.emit("TLBI VALE1IS,XZR");
  column_.emit("DSB ISH");
  return 1;
}

// --- Words

Platform::Found Platform::take_found() {
  if (finds_.empty()) give_up("a scenario does not say what a load finds");
  const Found next = finds_.front();
  finds_.pop_front();
  return next;
}

void Platform::found(u32 number, u64 value) {
  test_.on_path(cpu_, number, value);
  if (!branches_) return;
  const u32 difference = column_.fresh();
  column_.emit("SUB " + w(difference) + "," + w(number) + ",#" + std::to_string(value));
  column_.emit("CBNZ " + w(difference) + "," + end_label());
}

u64 Platform::load(const Word& word, Order order) {
  if (word.name.empty()) return word.value;
  const auto [value, is_written_down] = take_found();
  if (!is_written_down) return value;
  const u32 into = column_.fresh();
  const bool acquires = order == Order::kAcquire && !is(kWeakAcquire);
  column_.emit((acquires ? "LDAR " : "LDR ") + w(into) + "," + at(column_.holding(word.name)));
  found(into, value);
  return value;
}

void Platform::store(Word& word, u64 value, Order order) {
  if (word.name.empty()) {
    word.value = value;
    return;
  }
  const u32 from = column_.constant(value);
  column_.emit((order == Order::kRelease ? "STLR " : "STR ") + w(from) + "," +
               at(column_.holding(word.name)));
}

/// Returns what was in the word. `lse` is LSE's name for it, `operation` the one on registers.
u64 Platform::modify(const Word& word, const char* lse, const char* operation, u64 operand,
                     Order order) {
  const auto [old, is_written_down] = take_found();
  if (!is_written_down) return old;
  const u32 by = column_.constant(operand);
  const u32 into = column_.fresh();
  const std::string memory = at(column_.holding(word.name));
  if (!is(kWithoutLse)) {
    column_.emit(std::string(lse) + lse_suffix(order) + " " + w(by) + "," + w(into) + "," + memory);
  } else {
    const u32 result = column_.fresh();
    const u32 failed = column_.fresh();
    column_.emit(std::string(exclusive_load(order)) + " " + w(into) + "," + memory);
    column_.emit(std::string(operation) + " " + w(result) + "," + w(into) + "," + w(by));
    column_.emit(std::string(exclusive_store(order)) + " " + w(failed) + "," + w(result) + "," +
                 memory);
    // The loop is left, with this, or this is not how it went.
    test_.on_path(cpu_, failed, 0);
    if (order == Order::kFull) column_.emit("DMB ISH");
  }
  found(into, old);
  return old;
}

u64 Platform::add(Word& word, u64 delta, Order order) {
  if (delta == 0 && is(kLoadForAdd)) return load(word, Order::kAcquire);
  if (word.name.empty()) return word.value += delta;
  return modify(word, "LDADD", "ADD", delta, order) + delta;
}

void Platform::set_bits(Word& word, u64 bits, Order order) {
  if (word.name.empty()) {
    word.value |= bits;
  } else {
    modify(word, "LDSET", "ORR", bits, order);
  }
}

void Platform::clear_bits(Word& word, u64 bits, Order order) {
  if (word.name.empty()) {
    word.value &= ~bits;
  } else {
    modify(word, "LDCLR", "BIC", bits, order);
  }
}

bool Platform::exchange_if(Word& word, u64 expected, u64 desired, Order order) {
  if (word.name.empty()) {
    if (word.value != expected) return false;
    word.value = desired;
    return true;
  }
  const auto [old, is_written_down] = take_found();
  if (!is_written_down) return old == expected;
  const std::string memory = at(column_.holding(word.name));
  if (!is(kWithoutLse)) {
    const u32 compared = column_.constant(expected);
    const u32 desired_in = column_.constant(desired);
    column_.emit(std::string("CAS") + lse_suffix(order) + " " + w(compared) + "," + w(desired_in) +
                 "," + memory);
    found(compared, old);
    return old == expected;
  }
  const u32 into = column_.fresh();
  column_.emit(std::string(exclusive_load(order)) + " " + w(into) + "," + memory);
  found(into, old);
  if (old != expected) return false;
  const u32 desired_in = column_.constant(desired);
  const u32 failed = column_.fresh();
  column_.emit(std::string(exclusive_store(order)) + " " + w(failed) + "," + w(desired_in) + "," +
               memory);
  test_.on_path(cpu_, failed, 0);
  if (order == Order::kFull) column_.emit("DMB ISH");
  return true;
}

}  // namespace tlblab::litmus
