// SPDX-License-Identifier: GPL-2.0-only
#include "tests/litmus/mapping.hh"

#include <map>
#include <optional>
#include <regex>
#include <set>

namespace tlblab::litmus {

namespace {

/// Which events may follow which. A path through a function begins in state 0.
struct Rule {
  struct Transition {
    u32 from;
    const char* event;
    u32 to;
  };
  std::vector<Transition> transitions;
  std::set<u32> ends;             ///< states in which it may return
  std::set<std::string> must_do;  ///< events that are on some path through it
};

/// What an instruction is to a rule; empty: nothing.
using Reading = std::string (*)(const Instruction&);

/// Follows every path through a function.
class Walk {
 public:
  Walk(const Disassembly& object, const Rule& rule, Reading reading)
      : object_(object), rule_(rule), reading_(reading) {}

  /// What is wrong, or empty.
  std::string check(const Address& function) {
    for (const u32 state : ends_of(function, 0)) {
      if (!rule_.ends.contains(state)) fail("it may return too early");
    }
    for (const std::string& event : rule_.must_do) {
      if (!seen_.contains(event)) fail("there is no " + event);
    }
    return fault_;
  }
  [[nodiscard]] bool has_seen(const std::string& event) const { return seen_.contains(event); }

 private:
  using Place = std::pair<Address, u32>;

  /// The states in which a function that is entered in this one can return.
  std::set<u32> ends_of(const Address& function, u32 state) {
    const Place entry = {function, state};
    const auto known = ends_.find(entry);
    if (known != ends_.end()) return known->second;
    ends_[entry] = {};  // calls itself: nothing more than what it does otherwise
    std::set<u32> ends;
    std::set<Place> visited;
    std::vector<Place> open = {entry};
    while (!open.empty() && fault_.empty()) {
      const auto [address, before] = open.back();
      open.pop_back();
      if (!visited.insert({address, before}).second) continue;
      const Instruction* instruction = object_.at(address);
      if (instruction == nullptr) {
        fail("it does not end within " + address.section);
        break;
      }
      if (instruction->is_unknown_jump) fail("can't be followed: " + instruction->text);
      for (const u32 now : step(*instruction, before)) {
        if (instruction->returns) ends.insert(now);
        for (const Address& next : instruction->next) open.push_back({next, now});
      }
    }
    return ends_[entry] = ends;
  }

  std::set<u32> step(const Instruction& instruction, u32 state) {
    std::set<u32> states = {state};
    const std::string event = reading_(instruction);
    if (!event.empty()) {
      seen_.insert(event);
      states.clear();
      for (const Rule::Transition& known : rule_.transitions) {
        if (known.from == state && event == known.event) states.insert(known.to);
      }
      if (states.empty()) fail(event + " out of place");
    }
    for (const Address& function : instruction.calls) {
      std::set<u32> after;
      for (const u32 now : states) after.merge(ends_of(function, now));
      states = after;
    }
    return states;
  }

  void fail(const std::string& why) {
    if (fault_.empty()) fault_ = why;
  }

  const Disassembly& object_;
  const Rule& rule_;
  Reading reading_;
  std::map<Place, std::set<u32>> ends_;
  std::set<std::string> seen_;
  std::string fault_;
};

// --- The steps

/// Instructions that order memory or invalidate TLBs, and calls that cannot be followed.
std::string read_ordering(const Instruction& instruction) {
  static const std::regex ordering(
      "(dsb|dmb|isb|ssbb|pssbb|sb|tlbi|tlbip|dc|ic|at|sys|sysl)\\b.*|"
      "(ldar|ldapr|ldapur|ldlar|stlr|stlur|stllr|ldxr|ldaxr|stxr|stlxr|ldxp|ldaxp|stxp|stlxp|"
      "swp|cas|casp|ldadd|ldset|ldclr|ldeor|ld[su](max|min)|st(add|set|clr|eor)|st[su](max|min))"
      "(a|l|al)?[bh]?\\b.*");
  if (!instruction.callee.empty()) return "call of " + instruction.callee;
  if (!std::regex_match(instruction.text, ordering)) return "";
  const std::string name = instruction.text.substr(0, instruction.text.find(' '));
  if (name != "tlbi") {
    const bool is_barrier = name == "dsb" || name == "dmb";
    return is_barrier ? instruction.text : name;
  }
  // "tlbi vale1is, x0": the operand is not looked at, but for "none".
  const auto comma = instruction.text.find(',');
  const bool none = instruction.text.ends_with("xzr");
  return instruction.text.substr(0, comma) + (none ? ", xzr" : "");
}

/// The same, and plain loads.
std::string read_ordering_and_loads(const Instruction& instruction) {
  static const std::regex load("(ldr|ldur|ldp|ldrh|ldrb|ldrsw)\\b.*");
  return std::regex_match(instruction.text, load) ? "load" : read_ordering(instruction);
}

struct Primitive {
  const char* function;
  Reading reading;
  Rule rule;
};

/// A TLBI, once more for the tag of user space where that has its own (KPTI), in a loop over pages;
/// where the kernel's own macro repeats it for broken cores, DSB ISH and the TLBI again.
Rule invalidation(const char* tlbi, bool at_least_once) {
  Rule rule = {.transitions = {{0, tlbi, 1}, {1, tlbi, 1}, {1, "dsb ish", 2}, {2, tlbi, 1}},
               .ends = {1},
               .must_do = {tlbi}};
  if (!at_least_once) rule.ends.insert(0);
  return rule;
}

/// An atomic of full order: LSE's, or a loop of exclusives and a barrier. Without the exchange no
/// order is promised.
Rule full_order(const char* lse, bool may_fail) {
  Rule rule = {.transitions = {{0, lse, 3},
                               {0, "ldxr", 1},
                               {1, "stlxr", 2},
                               {2, "ldxr", 1},
                               {2, "dmb ish", 3}},
               .ends = {3},
               .must_do = {}};
  if (may_fail) rule.ends.insert(1);
  return rule;
}

/// platform.hh's table, and what the compiler may make of it.
const std::vector<Primitive>& primitives() {
  static const std::vector<Primitive> all = {
      {"lab_publish", read_ordering, {{{0, "dsb ishst", 1}}, {1}, {}}},
      {"lab_read_asid", read_ordering_and_loads, {{{0, "load", 1}, {1, "load", 1}}, {1}, {}}},
      {"lab_invalidate", read_ordering, invalidation("tlbi vale1is", false)},
      {"lab_invalidate_mm", read_ordering, invalidation("tlbi aside1is", true)},
      {"lab_complete",
       read_ordering,
       {{{0, "dsb ish", 1}, {1, "tlbi vale1is, xzr", 2}, {2, "dsb ish", 3}}, {1, 3}, {}}},
      {"lab_word_load", read_ordering, {{{0, "ldar", 1}}, {1}, {}}},
      {"lab_word_add", read_ordering, full_order("ldaddal", false)},
      {"lab_word_exchange_if", read_ordering, full_order("casal", true)},
  };
  return all;
}

// --- Their order in the core

std::string read_call(const Instruction& instruction) {
  static const std::set<std::string> calls = {
      "lab_publish",  "lab_read_asid",      "lab_invalidate", "lab_invalidate_mm",
      "lab_complete", "lab_release_frames", "lab_shootdown",  "lab_shootdown_mm"};
  return calls.contains(instruction.callee) ? instruction.callee : "";
}

/// States: 0 nothing is under way; 1 published; 2 the ASID is known; 3 invalidated; 4 completed,
/// and there may be more to invalidate. Ways on which a loop over intervals is not entered are in
/// the code, though no request takes them: 2 may be the end of one.
Rule request() {
  return {.transitions = {{0, "lab_publish", 1},
                          {2, "lab_publish", 1},
                          {4, "lab_publish", 1},
                          {1, "lab_read_asid", 2},
                          {2, "lab_invalidate", 3},
                          {3, "lab_invalidate", 3},
                          {4, "lab_invalidate", 3},
                          {2, "lab_invalidate_mm", 3},
                          {2, "lab_complete", 4},
                          {3, "lab_complete", 4},
                          {4, "lab_complete", 4},
                          {0, "lab_release_frames", 0},
                          {2, "lab_release_frames", 0},
                          {4, "lab_release_frames", 0}},
          .ends = {0, 2, 4},
          .must_do = {}};
}

}  // namespace

std::vector<MappingCheck> check_steps(const std::vector<Disassembly>& objects) {
  std::vector<MappingCheck> checks;
  for (const Primitive& primitive : primitives()) {
    MappingCheck check = {primitive.function, "no object defines it"};
    for (const Disassembly& object : objects) {
      const auto function = object.functions().find(primitive.function);
      if (function == object.functions().end()) continue;
      check.fault = Walk(object, primitive.rule, primitive.reading).check(function->second);
    }
    checks.push_back(check);
  }
  return checks;
}

std::vector<MappingCheck> check_order(const Disassembly& core) {
  std::vector<MappingCheck> checks;
  Rule rule = request();
  for (const auto& [name, address] : core.functions()) {
    Walk walk(core, rule, read_call);
    const std::string fault = walk.check(address);
    bool takes_part = !fault.empty();
    for (const Rule::Transition& transition : rule.transitions) {
      takes_part |=
          std::string(transition.event) != "lab_release_frames" && walk.has_seen(transition.event);
    }
    if (takes_part) checks.push_back({name, fault});
  }
  if (checks.empty()) checks.push_back({"the core", "no function of it begins a flush"});
  return checks;
}

}  // namespace tlblab::litmus
