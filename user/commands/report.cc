// SPDX-License-Identifier: GPL-2.0-only
// `tlblab report`: result files to pages, mail or JSON.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "user/analysis/analysis.hh"
#include "user/analysis/check_analysis.hh"
#include "user/commands/check_text.hh"
#include "user/commands/commands.hh"
#include "user/commands/summary.hh"
#include "user/records/header.hh"
#include "user/records/lines.hh"
#include "user/report/document/answer.hh"
#include "user/report/document/builder.hh"
#include "user/report/document/check_words.hh"
#include "user/report/files.hh"
#include "user/report/render/mail.hh"
#include "user/report/render/markdown.hh"
#include "user/support/error.hh"

namespace tlblab {

namespace {

struct Inputs {
  std::vector<std::string> studies;
  std::vector<std::string> checks;
};

Inputs sorted(const std::vector<std::string>& files) {
  Inputs inputs;
  for (const std::string& file : files) {
    const bool is_study =
        records::kind_of(records::read_header_line(file), file) == records::FileKind::kStudy;
    (is_study ? inputs.studies : inputs.checks).push_back(file);
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

}  // namespace

int run_report(const ReportOptions& options) {
  const Inputs inputs = sorted(options.files);
  std::vector<CheckResult> checks;
  for (const std::string& file : inputs.checks) {
    checks.push_back(analyse_check_file(file));
    print_warnings(checks.back(), file);
  }
  std::vector<StudyResult> studies;
  for (const std::string& file : inputs.studies) {
    studies.push_back(analyse_file(file));
    print_warnings(studies.back(), file);
    for (std::size_t i = 0; i < checks.size(); ++i) {
      need_same_machine(studies.back(), file, checks[i], inputs.checks[i]);
    }
  }
  // In JSON a study's summary has no place for a check.
  if (options.as_json) {
    print_json(studies, checks);
    return static_cast<int>(ExitStatus::kOk);
  }
  std::optional<Error> no_page;
  for (std::size_t i = 0; i < studies.size(); ++i) {
    const std::string printed = printed_form(report::build_document(studies[i], checks), options);
    fmt::print("{}", printed);
    if (!printed.empty()) continue;
    no_page =
        print_written(report::answer_sentence(studies[i]),
                      report::write_report(studies[i], checks, inputs.studies[i], options.output));
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
