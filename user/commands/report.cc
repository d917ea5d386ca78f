// SPDX-License-Identifier: GPL-2.0-only
// `tlblab report`: result files to pages, mail, metrics or JSON.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "user/analysis/analysis.hh"
#include "user/analysis/check_analysis.hh"
#include "user/commands/check_text.hh"
#include "user/commands/commands.hh"
#include "user/commands/summary.hh"
#include "user/records/header.hh"
#include "user/records/lines.hh"
#include "user/records/pool.hh"
#include "user/report/document/answer.hh"
#include "user/report/document/builder.hh"
#include "user/report/document/check_words.hh"
#include "user/report/files.hh"
#include "user/report/openmetrics.hh"
#include "user/report/render/mail.hh"
#include "user/report/render/markdown.hh"
#include "user/support/error.hh"

namespace tlblab {

namespace {

struct Inputs {
  /// Each of files whose sessions are pooled.
  std::vector<std::vector<std::string>> studies;
  std::vector<std::string> checks;
};

/// Throws where two files hold the same sessions: pooled, they would count twice.
void need_other_sessions(const std::string& file, const records::StudyHeader& header,
                         const records::StudyHeader& other) {
  if (header.started_utc != other.started_utc || header.plan.seed != other.plan.seed) return;
  throw Error(ExitStatus::kUsage,
              fmt::format("{} holds sessions that another file here holds, too", file),
              "Name each of them once.");
}

/// The same question of the same machine, which has been set otherwise since.
void say_why_apart(const std::string& file, const records::StudyHeader& header,
                   const records::StudyHeader& other) {
  const std::string differing = in_words(records::kept_apart_by(other, header));
  if (differing.empty()) return;
  fmt::print(stderr, "not pooled: {} is of the same plan and machine, but flushes differ: {}\n",
             file, differing);
}

Inputs sorted(const std::vector<std::string>& files) {
  struct Known {
    records::StudyHeader header;
    std::size_t study;  ///< index into Inputs::studies
  };
  Inputs inputs;
  std::vector<Known> all;
  for (const std::string& file : files) {
    const std::string line = records::read_header_line(file);
    if (records::kind_of(line, file) == records::FileKind::kCheck) {
      inputs.checks.push_back(file);
      continue;
    }
    Known known{records::decode_study_header(line, file), inputs.studies.size()};
    for (const Known& other : all) {
      if (!records::can_pool(known.header, other.header)) {
        say_why_apart(file, known.header, other.header);
        continue;
      }
      need_other_sessions(file, known.header, other.header);
      known.study = other.study;
    }
    if (known.study == inputs.studies.size()) inputs.studies.emplace_back();
    inputs.studies[known.study].push_back(file);
    all.push_back(std::move(known));
  }
  return inputs;
}

template <typename Result>
void print_warnings(const Result& result, const std::string& file) {
  for (const std::string& warning : result.warnings) {
    fmt::print(stderr, "warning: {}: {}\n", file, warning);
  }
}

/// Returns why there is no page, if there is none.
std::optional<Error> print_written(const std::string& answer, const report::WrittenFiles& written) {
  fmt::print("{}\n\n", answer);
  for (const std::string* path :
       {&written.html, &written.markdown, &written.figure, &written.benchmark}) {
    if (!path->empty()) fmt::print("{}\n", *path);
  }
  return written.no_page;
}

/// A check belongs into the report of a study of the same machine and kernel only.
void need_same_machine(const StudyResult& study, const std::string& study_file,
                       const CheckResult& check, const std::string& check_file) {
  if (study.machine_line == check.machine_line) return;
  throw Error(
      ExitStatus::kUsage,
      fmt::format("{} was made on another machine or kernel than {}", check_file, study_file),
      "Give each to a `tlblab report` of its own.");
}

/// A form for reading in a terminal or a pipe; empty where files are asked for.
std::string printed_form(const report::Document& document, const ReportOptions& options) {
  if (options.mail) return report::render_mail(document);
  if (options.markdown) return report::render_markdown(document, "");
  return "";
}

/// One document: of one file its summary, of several a list of them, the studies' first.
void print_json(const std::vector<StudyResult>& studies, const std::vector<CheckResult>& checks) {
  nlohmann::json all = nlohmann::json::array();
  for (const StudyResult& study : studies) all.push_back(summary_json(study));
  for (const CheckResult& check : checks) all.push_back(check_json(check));
  fmt::print("{}\n", (all.size() == 1 ? all.front() : all).dump(2));
}

/// One text for all: a family's samples must stand together.
void print_openmetrics(const std::vector<StudyResult>& studies, const Inputs& inputs) {
  if (!inputs.checks.empty()) {
    throw Error(ExitStatus::kUsage,
                fmt::format("{} is a check's, and metrics are made of studies", inputs.checks[0]),
                "Leave it out, or print it with --json.");
  }
  std::vector<report::StudyOfFile> named;
  for (std::size_t i = 0; i < studies.size(); ++i) {
    named.push_back({inputs.studies[i].front(), &studies[i]});
  }
  fmt::print("{}", report::render_openmetrics(named));
}

}  // namespace

int run_report(const ReportOptions& options) {
  const Inputs inputs = sorted(options.files);
  std::vector<CheckResult> checks;
  for (const std::string& file : inputs.checks) {
    checks.push_back(analyse_check_file(file));
    print_warnings(checks.back(), file);
  }
  std::vector<StudyResult> studies;
  for (const std::vector<std::string>& files : inputs.studies) {
    studies.push_back(analyse_files(files));
    if (files.size() > 1) {
      fmt::print(stderr, "pooled: {} files of one plan: {}\n", files.size(),
                 fmt::join(files, ", "));
    }
    print_warnings(studies.back(), files.front());
    for (std::size_t i = 0; i < checks.size(); ++i) {
      need_same_machine(studies.back(), files.front(), checks[i], inputs.checks[i]);
    }
  }
  // In JSON a study's summary has no place for a check.
  if (options.as_json) {
    print_json(studies, checks);
    return static_cast<int>(ExitStatus::kOk);
  }
  if (options.openmetrics) {
    print_openmetrics(studies, inputs);
    return static_cast<int>(ExitStatus::kOk);
  }
  std::optional<Error> no_page;
  for (std::size_t i = 0; i < studies.size(); ++i) {
    const std::string printed = printed_form(report::build_document(studies[i], checks), options);
    fmt::print("{}", printed);
    if (!printed.empty()) continue;
    no_page = print_written(
        report::answer_sentence(studies[i]),
        report::write_report(studies[i], checks, inputs.studies[i].front(), options.output));
  }
  for (std::size_t i = 0; studies.empty() && i < checks.size(); ++i) {
    const std::string printed = printed_form(report::build_document(checks[i]), options);
    fmt::print("{}", printed);
    if (!printed.empty()) continue;
    no_page = print_written(report::conclusion(checks[i]),
                            report::write_report(checks[i], inputs.checks[i], options.output));
  }
  if (no_page) throw Error(*no_page);
  return static_cast<int>(ExitStatus::kOk);
}

}  // namespace tlblab
