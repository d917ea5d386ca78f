// SPDX-License-Identifier: GPL-2.0-only
// What a measuring command prints at its end.
#include "user/commands/summary.hh"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "user/analysis/cell_analysis.hh"
#include "user/report/document/answer.hh"
#include "user/report/document/format.hh"

namespace tlblab {
namespace {

using nlohmann::json;

json number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json interval(const Interval& of) {
  return {{"estimate", number(of.estimate)}, {"low", number(of.low)}, {"high", number(of.high)}};
}

json counts(const std::map<std::string, CountMean>& of) {
  json to = json::object();
  for (const auto& [event, count] : of) {
    to[event] = {{"mean", count.mean}, {"min", count.min}, {"max", count.max}};
  }
  return to;
}

json spreads(const std::map<std::string, ResponderSpread>& of) {
  json to = json::object();
  for (const auto& [event, spread] : of) {
    to[event] = {{"least", spread.least},
                 {"median", spread.median},
                 {"most", spread.most},
                 {"responders", spread.nr_responders}};
  }
  return to;
}

/// An emulated run yields no time (docs/methods.md): those keys are then absent.
json arm(const ArmResult& of, bool with_time) {
  json apart = json::object();
  for (std::size_t i = 1; i < of.nr_apart.size(); ++i) {
    apart[std::string(name(static_cast<TrialState>(i)))] = of.nr_apart[i];
  }
  json to = {{"scheme", of.scheme},
             {"trials", of.nr_trials},
             {"set_apart", apart},
             {"initiator_counts", counts(of.initiator_counts)},
             {"responder_counts", counts(of.responder_counts)},
             {"responder_spread", spreads(of.responder_spread)}};
  if (of.expected_requests) to["expected_requests"] = *of.expected_requests;
  if (!of.engine_account.empty()) to["inside"] = counts(of.engine_account);
  if (with_time) {
    to["latency_ns"] = interval(of.latency_ns);
    to["p50_ns"] = of.quantiles.p50;
    to["p99_ns"] = of.quantiles.p99;
    to["stolen_ns"] = interval(of.stolen_ns);
  }
  return to;
}

json probe(const ProbePoint& of) {
  const auto loss = [](const ProbeLoss& arm) {
    json to = {{"initiator_ns", interval(arm.initiator_ns)},
               {"responders_ns", interval(arm.responders_ns)}};
    if (arm.bystanders_ns) to["bystanders_ns"] = interval(*arm.bystanders_ns);
    return to;
  };
  json to = {{"pages", of.nr_pages},
             {"blocks", of.nr_blocks},
             {"a", loss(of.losses[0])},
             {"b", loss(of.losses[1])},
             {"initiator_walk_ns", of.initiator_walk_ns},
             {"responders_walk_ns", of.responders_walk_ns}};
  if (of.bystanders_walk_ns) to["bystanders_walk_ns"] = *of.bystanders_walk_ns;
  return to;
}

/// One entry for each distance; none without responders.
json distances(const std::vector<ResponderDistance>& of) {
  json to = json::array();
  for (const ResponderDistance& distance : of) {
    to.push_back({{"responders", distance.nr_responders}, {"distance", distance.words}});
  }
  return to;
}

json cell(const StudyResult& study, const CellResult& of) {
  const bool with_time = shows_time(study, of);
  json to = {{"id", of.plan.id},
             {"role", name(of.plan.role)},
             {"headline", of.plan.headline},
             {"distances", distances(of.distances)},
             {"a", arm(of.a, with_time)},
             {"b", arm(of.b, with_time)},
             {"interrupted_trials", of.nr_interrupted_trials},
             {"dropped_blocks", of.nr_dropped_blocks}};
  if (!of.miscount.empty()) to["miscount"] = of.miscount;
  if (!with_time) {
    to["untimed"] = study.emulated ? "the machine is emulated" : of.untimed;
    return to;
  }
  if (of.twin) {
    to["twin"] = study.cells.at(*of.twin).plan.id;
    to["agreement"] = name(of.agreement);
  }
  to["verdict"] = statistics::name(of.verdict);
  to["reason"] = of.verdict_reason;
  to["state"] = statistics::name(of.state);
  to["where"] = where(of);
  to["ratio"] = interval(of.ratio);
  to["mean_ratio"] = interval(of.mean_ratio);
  to["tail_ratio"] = interval(of.tail_ratio);
  to["outside_ns"] = interval(of.outside_ns);
  if (of.position) to["position"] = interval(*of.position);
  if (of.next_session) to["next_session"] = interval(*of.next_session);
  to["difference_ns"] = interval(of.difference_ns);
  to["adjusted_p"] = number(of.adjusted_p);
  to["smallest_detectable"] = number(of.smallest_detectable);
  json sessions = json::array();
  for (const SessionResult& session : of.sessions) {
    sessions.push_back({{"session", session.session},
                        {"ratio", interval(session.ratio)},
                        {"a_ns", session.level_a_ns},
                        {"b_ns", session.level_b_ns},
                        {"calibrator_ns", session.calibrator_ns},
                        {"blocks", session.nr_blocks},
                        {"seconds", session.seconds},
                        {"rho", number(session.rho)},
                        {"state", statistics::name(session.state)},
                        {"counts", session.counts},
                        {"stopped_by", session.stop_reason}});
  }
  to["sessions"] = std::move(sessions);
  if (!of.probe.empty()) {
    json& probes = to["probe"] = json::array();
    for (const ProbePoint& point : of.probe) probes.push_back(probe(point));
  }
  return to;
}

std::string arm_lines(char letter, const ArmResult& of, bool with_responders) {
  const Quantiles& q = of.quantiles;
  std::string text = fmt::format("  {} {:<32} {}   p5 {}  p95 {}  p99 {}\n", letter, of.scheme,
                                 report::duration_interval(of.latency_ns), report::duration(q.p5),
                                 report::duration(q.p95), report::duration(q.p99));
  if (with_responders) {
    text += fmt::format("    {:<32} {} lost by responders in {} interruptions\n", "",
                        report::duration(of.stolen_ns.estimate),
                        report::significant(of.interrupts_seen));
  }
  return text;
}

/// The engine's own account, for a cell that shows no time.
std::string counts_text(const CellResult& of) {
  std::string text = fmt::format("{}, distance: {}\n", of.plan.id, distance_words(of.distances));
  for (const auto& [letter, arm] : {std::pair{'A', &of.a}, {'B', &of.b}}) {
    const auto requests = arm->engine_account.find("requests");
    text += fmt::format(
        "  {} {:<32} {} flush requests due, {} counted inside\n", letter, arm->scheme,
        arm->expected_requests ? report::count(*arm->expected_requests) : "unknown",
        requests == arm->engine_account.end() ? "none"
                                              : report::significant(requests->second.mean));
  }
  return text + fmt::format("  {}\n", of.miscount.empty() ? of.untimed : of.miscount);
}

/// "  the stock kernel: A/B 5.1x [5.0, 5.2], different: agrees".
std::string twin_line(const StudyResult& study, const CellResult& of) {
  if (!of.twin) return "";
  const CellResult& twin = study.cells.at(*of.twin);
  return fmt::format("  the stock kernel beside it: A/B {}, {}; agree? {}\n",
                     report::ratio_interval(twin.ratio), statistics::name(twin.verdict),
                     of.plan.role == CellRole::kSame ? "both are controls" : name(of.agreement));
}

std::string cell_text(const CellResult& of) {
  const bool responders = of.plan.nr_responders > 0;
  std::string text = fmt::format("{}, distance: {}\n", of.plan.id, distance_words(of.distances));
  text += arm_lines('A', of.a, responders);
  text += arm_lines('B', of.b, responders);
  text += fmt::format("  A/B {}   A-B {}\n", report::ratio_interval(of.ratio),
                      report::duration_interval_signed(of.difference_ns));
  const std::size_t apart = [&] {
    std::size_t sum = 0;
    for (const ArmResult* side : {&of.a, &of.b}) {
      for (const std::size_t trials : side->nr_apart) sum += trials;
    }
    return sum;
  }();
  text += fmt::format("  {}: {}\n  {} trials used, {} set apart\n", statistics::name(of.verdict),
                      of.verdict_reason, of.a.nr_trials + of.b.nr_trials, apart);
  return text;
}

}  // namespace

std::string summary_text(const StudyResult& study) {
  std::string text = report::answer_sentence(study) + "\n";
  if (study.emulated) return text;
  for (const CellResult& of : study.cells) {
    text += "\n" + (of.untimed.empty() ? cell_text(of) + twin_line(study, of) : counts_text(of));
  }
  return text;
}

json summary_json(const StudyResult& study) {
  json cells = json::array();
  for (const CellResult& of : study.cells) cells.push_back(cell(study, of));
  return {{"answer", report::answer_sentence(study)},
          {"machine", study.machine_line},
          {"kind", study.machine_kind},
          {"complete", study.complete},
          {"steps", study.nr_steps},
          {"steps_done", study.nr_steps_done},
          {"seed", study.plan.seed},
          {"trouble", study.trouble},
          {"warnings", study.warnings},
          {"cells", cells}};
}

}  // namespace tlblab
