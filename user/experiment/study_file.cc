// SPDX-License-Identifier: GPL-2.0-only
// TOML to plan. Every key is named here; anything else in the file is refused.
#include "user/experiment/study_file.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <random>
#include <set>

#include "user/engine/registry.hh"
#include "user/experiment/twins.hh"
#include "user/statistics/sessions.hh"
#include "user/support/error.hh"

namespace tlblab {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const toml::node& node, const std::string& what) {
  const auto& at = node.source();
  throw Error(ExitStatus::kUsage,
              fmt::format("{}:{}:{}: {}", *at.path, at.begin.line, at.begin.column, what),
              "docs/studies.md describes the format; bench/studies/ holds examples.");
}

void allow_keys(const toml::table& table, std::initializer_list<std::string_view> allowed) {
  for (const auto& [key, node] : table) {
    if (std::find(allowed.begin(), allowed.end(), key.str()) == allowed.end()) {
      refuse(node, fmt::format("unknown key \"{}\"; known here: {}", key.str(),
                               fmt::join(allowed, ", ")));
    }
  }
}

/// A value of type T within [low, high], or `fallback` when the key is absent.
template <typename T>
T value_or(const toml::table& table, std::string_view key, T fallback, T low, T high) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return fallback;
  const auto value = node->value<T>();
  if (!value || *value < low || *value > high) {
    refuse(*node, fmt::format("{} must be between {} and {}", key, low, high));
  }
  return *value;
}

std::string text(const toml::table& table, std::string_view key) {
  const toml::node* node = table.get(key);
  if (node == nullptr) refuse(table, fmt::format("{} is missing", key));
  const auto value = node->value<std::string>();
  if (!value || value->empty()) refuse(*node, fmt::format("{} must be a text", key));
  return *value;
}

/// A single value or a list, as a list.
std::vector<const toml::node*> items(const toml::table& table, std::string_view key) {
  const toml::node* node = table.get(key);
  if (node == nullptr) refuse(table, fmt::format("{} is missing", key));
  std::vector<const toml::node*> found;
  if (const toml::array* list = node->as_array()) {
    for (const toml::node& item : *list) found.push_back(&item);
  } else {
    found.push_back(node);
  }
  if (found.empty()) refuse(*node, fmt::format("{} is an empty list", key));
  return found;
}

std::vector<unsigned> counts(const toml::table& table, std::string_view key, unsigned high) {
  std::vector<unsigned> values;
  for (const toml::node* item : items(table, key)) {
    const auto value = item->value<std::int64_t>();
    if (!value || *value < 1 || *value > std::int64_t{high}) {
      refuse(*item, fmt::format("{} takes counts from 1 to {}", key, high));
    }
    values.push_back(static_cast<unsigned>(*value));
  }
  return values;
}

/// The session gap that lets enough sessions speak for the machine; 0 for fewer, which can't. A
/// cell may come last in one session and first in the next, so a session's own length is added.
double gap_for_claim(const StudyPlan& plan) {
  if (plan.nr_sessions < statistics::kSessionsForClaim) return 0;
  double session_s = 0;
  for (const CellPlan& cell : plan.cells) {
    if (cell.timed) session_s += cell.stopping.max_seconds;
  }
  if (session_s == 0) return 0;  // counts know no regimes
  const double spread = (statistics::kMinSessionSpanSeconds + session_s) / (plan.nr_sessions - 1);
  return std::max(statistics::kMinSessionGapSeconds + session_s, spread);
}

/// Of 32 bits, which every reader of JSON keeps exact.
void draw_seed(StudyPlan& plan) {
  plan.seed = std::random_device{}();
  plan.seed_is_drawn = true;
}

void fix_seed(StudyPlan& plan, std::uint64_t seed) {
  plan.seed = seed;
  plan.seed_is_drawn = false;
}

class Expansion {
 public:
  Expansion(const std::vector<int>& cpus, const StudyOverrides& overrides)
      : others_(static_cast<unsigned>(cpus.size()) - 1), overrides_(overrides) {
    study_.plan.cpus = cpus;
  }

  ExpandedStudy run(const toml::table& file) {
    allow_keys(file, {"name", "question", "compare", "seed", "sessions", "count_trials",
                      "width_percent", "equivalence_percent", "alpha", "min_seconds", "max_seconds",
                      "session_gap_seconds", "passes", "cells", "headline"});
    StudyPlan& plan = study_.plan;
    plan.name = text(file, "name");
    plan.question = text(file, "question");
    if (file.contains("seed")) {
      plan.seed = static_cast<std::uint64_t>(value_or<std::int64_t>(file, "seed", 0, 0, INT64_MAX));
    } else {
      draw_seed(plan);
    }
    if (overrides_.seed) fix_seed(plan, *overrides_.seed);
    plan.nr_sessions = overrides_.nr_sessions.value_or(
        static_cast<unsigned>(value_or<std::int64_t>(file, "sessions", 1, 1, 1000)));
    plan.count_trials =
        static_cast<unsigned>(value_or<std::int64_t>(file, "count_trials", 64, 0, 100000));
    plan.criteria.width = overrides_.width.value_or(
        value_or<double>(file, "width_percent", 100 * plan.criteria.width, 0.01, 100) / 100);
    plan.criteria.equivalence = overrides_.equivalence.value_or(
        value_or<double>(file, "equivalence_percent", 100 * plan.criteria.equivalence, 0.01, 100) /
        100);
    plan.criteria.alpha = value_or<double>(file, "alpha", 0.05, 1e-6, 0.5);
    stopping_.width = plan.criteria.width;
    stopping_.min_seconds = overrides_.min_seconds.value_or(
        value_or<double>(file, "min_seconds", stopping_.min_seconds, 0, 86400));
    stopping_.max_seconds = overrides_.max_seconds.value_or(
        value_or<double>(file, "max_seconds", stopping_.max_seconds, 0, 86400));
    stopping_.max_seconds = std::max(stopping_.max_seconds, stopping_.min_seconds);

    const toml::array* cells = file["cells"].as_array();
    if (cells == nullptr || cells->empty()) {
      refuse(file, "no [[cells]]: a study needs at least one");
    }
    for (const toml::node& group : *cells) {
      if (!group.is_table()) refuse(group, "cells must be tables: write [[cells]]");
      add_group(file, *group.as_table());
    }
    if (plan.cells.empty()) {
      throw Error(ExitStatus::kMachine,
                  fmt::format("nothing in study {} can run on this machine", plan.name),
                  study_.notices.empty() ? "Allow more CPUs with --cpus." : study_.notices.front());
    }
    mark_headline(file);
    add_twins(plan);
    plan.session_gap_s = overrides_.session_gap_s.value_or(
        value_or<double>(file, "session_gap_seconds", gap_for_claim(plan), 0, 86400));
    return std::move(study_);
  }

 private:
  struct Pair {
    std::string a, b;
  };

  /// The group's own `compare`, else the study's.
  static Pair pair_of(const toml::table& file, const toml::table& group) {
    const toml::table& holder = group.contains("compare") ? group : file;
    const auto names = items(holder, "compare");
    if (names.size() != 2 || !names[0]->is_string() || !names[1]->is_string()) {
      refuse(*names[0], "compare takes two schemes: [\"A\", \"B\"]");
    }
    return {*names[0]->value<std::string>(), *names[1]->value<std::string>()};
  }

  /// "all" is every other CPU; "sweep" is 0, 1, 2, 4, ... and all.
  std::vector<unsigned> cpu_counts(const toml::table& group, std::string_view key) {
    std::set<unsigned> wanted;
    for (const toml::node* item : items(group, key)) {
      const auto word = item->value<std::string>();
      const auto number = item->value<std::int64_t>();
      if (word && *word == "all") {
        wanted.insert(others_);
      } else if (word && *word == "sweep") {
        wanted.insert({0, others_});
        for (unsigned count = 1; count < others_; count *= 2) wanted.insert(count);
      } else if (!word && number && *number >= 0 && *number < 100000) {
        if (*number <= std::int64_t{others_}) {
          wanted.insert(static_cast<unsigned>(*number));
        } else {
          notice(fmt::format("cells with {} {} are left out: {} other CPU{} at hand", *number, key,
                             others_, others_ == 1 ? "" : "s"));
        }
      } else {
        refuse(*item, fmt::format("{} takes counts, \"all\" or \"sweep\"", key));
      }
    }
    return {wanted.begin(), wanted.end()};
  }

  /// Told once, however many groups run into it.
  void notice(std::string text) {
    auto& told = study_.notices;
    if (std::find(told.begin(), told.end(), text) == told.end()) told.push_back(std::move(text));
  }

  /// Full names; empty (with a notice) when this machine can't run one of them.
  std::optional<Pair> resolve(const toml::node& at, const Pair& pair) {
    try {
      for (const std::string& name : {pair.a, pair.b}) find_scheme(name);
    } catch (const Error& error) {
      if (error.status() != ExitStatus::kMachine) refuse(at, error.what());
      const bool keep = overrides_.keep_unavailable;
      notice(fmt::format("cells of {} against {} {}: {}", pair.a, pair.b,
                         keep ? "can't be measured" : "are left out", error.what()));
      if (!keep) return std::nullopt;
    }
    return Pair{parse_scheme(pair.a).full_name(), parse_scheme(pair.b).full_name()};
  }

  void add_group(const toml::table& file, const toml::table& group) {
    allow_keys(group, {"compare", "vmas", "pages", "gap", "responders", "bystanders", "passes"});
    const bool timed = is_timed(group.contains("passes") ? group : file);
    const auto pair = resolve(group, pair_of(file, group));
    if (!pair) return;
    const bool with_bystanders = group.contains("bystanders");
    const std::vector<unsigned> bystanders =
        with_bystanders ? cpu_counts(group, "bystanders") : std::vector<unsigned>{0};
    for (const unsigned responders : cpu_counts(group, "responders")) {
      if (with_bystanders && responders > 0) {
        refuse(group, "bystanders are for cells with responders = 0: they stand in their place");
      }
      for (const unsigned pages : counts(group, "pages", kMaxPagesPerVma)) {
        for (const unsigned vmas : counts(group, "vmas", kMaxVmas)) {
          Shape shape{
              vmas, pages,
              static_cast<unsigned>(value_or<std::int64_t>(group, "gap", 1, 0, kMaxGapPages))};
          try {
            validate(shape);
          } catch (const Error& error) {
            refuse(group, error.what());
          }
          for (const unsigned others : bystanders) {
            add_cell(*pair, shape, responders, others, timed);
          }
        }
      }
    }
  }

  /// "counts" is always wanted: it checks what the times are times of.
  static bool is_timed(const toml::table& holder) {
    if (!holder.contains("passes")) return true;
    std::set<std::string> passes;
    for (const toml::node* item : items(holder, "passes")) {
      passes.insert(item->value<std::string>().value_or(""));
    }
    if (passes != std::set<std::string>{"counts"} &&
        passes != std::set<std::string>{"counts", "time"}) {
      refuse(*holder.get("passes"), "passes takes [\"time\", \"counts\"] or [\"counts\"]");
    }
    return passes.contains("time");
  }

  void add_cell(const Pair& pair, const Shape& shape, unsigned responders, unsigned bystanders,
                bool timed) {
    CellPlan cell;
    cell.timed = timed;
    cell.a = pair.a;
    cell.b = pair.b;
    cell.shape = shape;
    cell.nr_responders = responders;
    cell.nr_bystanders = bystanders;
    cell.role = pair.a == pair.b ? CellRole::kSame : CellRole::kCompare;
    cell.stopping = stopping_;
    cell.id = cell_id(cell.a, cell.b, shape, responders, bystanders);
    auto& cells = study_.plan.cells;
    const bool known = std::any_of(cells.begin(), cells.end(),
                                   [&](const CellPlan& other) { return other.id == cell.id; });
    if (!known) cells.push_back(std::move(cell));
  }

  void mark_headline(const toml::table& file) {
    const toml::node* node = file.get("headline");
    if (node == nullptr) return;
    if (!node->is_table()) refuse(*node, "headline must be a table with vmas, pages, responders");
    const toml::table& wanted = *node->as_table();
    allow_keys(wanted, {"compare", "vmas", "pages", "gap", "responders", "sessions"});
    const Pair pair = pair_of(file, wanted);
    const unsigned vmas = counts(wanted, "vmas", kMaxVmas).front();
    const unsigned pages = counts(wanted, "pages", kMaxPagesPerVma).front();
    const std::vector<unsigned> here = cpu_counts(wanted, "responders");
    if (here.empty()) return;  // the notice says so
    const unsigned responders = here.back();
    for (CellPlan& cell : study_.plan.cells) {
      cell.headline = cell.a.ends_with(pair.a) && cell.b.ends_with(pair.b) &&
                      cell.shape.nr_vmas == vmas && cell.shape.pages_per_vma == pages &&
                      cell.nr_responders == responders && cell.nr_bystanders == 0;
      if (!cell.headline) continue;
      cell.min_sessions =
          static_cast<unsigned>(value_or<std::int64_t>(wanted, "sessions", 1, 1, 1000));
      return;
    }
    refuse(*node, "the headline is not among the cells");
  }

  unsigned others_;
  const StudyOverrides& overrides_;
  StoppingRule stopping_;
  ExpandedStudy study_;
};

std::vector<fs::path> study_folders() {
  std::vector<fs::path> folders;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    const fs::path prefix = program.parent_path().parent_path();
    folders.push_back(prefix / "bench" / "studies");             // built here
    folders.push_back(prefix / "share" / "tlblab" / "studies");  // installed
  }
  folders.emplace_back("bench/studies");
  return folders;
}

}  // namespace

std::vector<std::string> known_studies() {
  for (const fs::path& folder : study_folders()) {
    std::vector<std::string> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (entry.path().extension() == ".toml") found.push_back(entry.path().string());
    }
    std::sort(found.begin(), found.end());
    if (!found.empty()) return found;
  }
  return {};
}

std::string find_study(const std::string& name_or_path) {
  std::error_code error;
  if (fs::is_regular_file(name_or_path, error)) return name_or_path;
  std::string names;
  for (const std::string& path : known_studies()) {
    const std::string name = fs::path(path).stem().string();
    if (name == name_or_path) return path;
    names += (names.empty() ? "" : ", ") + name;
  }
  throw Error(ExitStatus::kUsage, fmt::format("there is no study \"{}\"", name_or_path),
              fmt::format("Name a TOML file, or one of: {}.", names.empty() ? "(none)" : names));
}

ExpandedStudy load_study(const std::string& path, const std::vector<int>& cpus,
                         const StudyOverrides& overrides) {
  try {
    const toml::table file = toml::parse_file(path);
    return Expansion(cpus, overrides).run(file);
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    throw Error(ExitStatus::kUsage,
                fmt::format("{}:{}:{}: {}", path, at.line, at.column, error.description()),
                "docs/studies.md describes the format; bench/studies/ holds examples.");
  }
}

StudyPlan plan_pair(const std::string& a, const std::string& b, const Shape& shape,
                    unsigned nr_responders, const std::vector<int>& cpus,
                    const StudyOverrides& overrides) {
  validate(shape);
  StudyPlan plan;
  draw_seed(plan);
  if (overrides.seed) fix_seed(plan, *overrides.seed);
  plan.nr_sessions = overrides.nr_sessions.value_or(1);
  plan.cpus = cpus;
  plan.criteria.width = overrides.width.value_or(plan.criteria.width);
  plan.criteria.equivalence = overrides.equivalence.value_or(plan.criteria.equivalence);
  StoppingRule stopping;
  stopping.width = plan.criteria.width;
  stopping.min_seconds = overrides.min_seconds.value_or(stopping.min_seconds);
  stopping.max_seconds =
      std::max(overrides.max_seconds.value_or(stopping.max_seconds), stopping.min_seconds);
  const std::string full_a = find_scheme(a).full_name();
  const std::string full_b = find_scheme(b).full_name();
  const auto add = [&](const std::string& left, const std::string& right, bool is_headline) {
    CellPlan cell;
    cell.id = cell_id(left, right, shape, nr_responders);
    cell.a = left;
    cell.b = right;
    cell.shape = shape;
    cell.nr_responders = nr_responders;
    cell.role = left == right ? CellRole::kSame : CellRole::kCompare;
    cell.headline = is_headline;
    cell.stopping = stopping;
    plan.cells.push_back(std::move(cell));
  };
  add(full_a, full_b, true);
  if (full_a != full_b) {
    add(full_a, full_a, false);
    add(full_b, full_b, false);
    plan.name = "ab";
    plan.question = fmt::format("Is {} different from {} on {}, with {} responders?", a, b,
                                shape.name(), nr_responders);
  } else {
    plan.name = "run";
    plan.question =
        fmt::format("What does {} cost on {}, with {} responders?", a, shape.name(), nr_responders);
  }
  add_twins(plan);
  plan.session_gap_s = overrides.session_gap_s.value_or(gap_for_claim(plan));
  return plan;
}

}  // namespace tlblab
