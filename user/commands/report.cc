// SPDX-License-Identifier: GPL-2.0-only
// `tlblab report`: result files to pages, mail or JSON.
#include <fmt/format.h>

#include <cstdio>

#include "user/commands/commands.hh"
#include "user/commands/summary.hh"
#include "user/report/document/answer.hh"
#include "user/report/files.hh"
#include "user/report/render/mail.hh"
#include "user/support/error.hh"

namespace tlblab {

int run_report(const ReportOptions& options) {
  for (const std::string& file : options.files) {
    const StudyResult study = analyse_file(file);
    for (const std::string& warning : study.warnings) {
      fmt::print(stderr, "warning: {}: {}\n", file, warning);
    }
    if (options.as_json) {
      fmt::print("{}\n", summary_json(study));
    } else if (options.mail) {
      fmt::print("{}", report::render_mail(study));
    } else {
      const report::WrittenFiles written = report::write_report(study, file, options.output);
      fmt::print("{}\n\n", report::answer_sentence(study));
      for (const std::string* path :
           {&written.html, &written.markdown, &written.figure, &written.benchmark}) {
        if (!path->empty()) fmt::print("{}\n", *path);
      }
    }
  }
  return static_cast<int>(ExitStatus::kOk);
}

}  // namespace tlblab
