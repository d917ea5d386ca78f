// SPDX-License-Identifier: GPL-2.0-only
// Writes the files of a report, each whole or not at all.
#include "user/report/files.hh"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "user/report/document/builder.hh"
#include "user/report/draw/figures.hh"
#include "user/report/gbench.hh"
#include "user/report/render/html.hh"
#include "user/report/render/markdown.hh"
#include "user/support/error.hh"

namespace tlblab::report {
namespace {

namespace fs = std::filesystem;

/// Through a new file that is renamed when complete, so that a full disk or a kill leaves the old
/// report or none.
void write_whole(const fs::path& path, const std::string& text) {
  const fs::path unfinished = path.string() + ".new";
  std::ofstream file(unfinished, std::ios::binary);
  file << text;
  file.close();
  std::error_code error;
  if (file) fs::rename(unfinished, path, error);
  if (!file || error) {
    const std::string why = error ? error.message() : std::strerror(errno);
    fs::remove(unfinished, error);
    throw Error(ExitStatus::kMachine, fmt::format("cannot write {}: {}", path.string(), why),
                "Free some space or choose another folder with --output, then give `tlblab report` "
                "the result file again.");
  }
}

fs::path stem(const std::string& result_path, const std::string& folder) {
  fs::path path = result_path;
  if (path.extension() == ".gz" || path.extension() == ".zst") path.replace_extension();
  if (path.extension() == ".jsonl") path.replace_extension();
  return folder.empty() ? path : fs::path(folder) / path.filename();
}

void make_folder(const std::string& folder) {
  if (folder.empty()) return;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw Error(ExitStatus::kMachine, fmt::format("cannot make {}: {}", folder, error.message()),
                "Choose another folder with --output.");
  }
}

/// Writes the page, where there are figures for it, and the Markdown of a document.
void write_document(const Document& document, const std::optional<Figures>& figures,
                    const std::string& base, WrittenFiles& written) {
  if (figures && !figures->standalone.empty()) {
    written.figure = base + ".svg";
    write_whole(written.figure, figures->standalone);
  }
  if (figures) {
    written.html = base + ".html";
    write_whole(written.html, render_html(document, figures->on_page));
  }
  written.markdown = base + ".md";
  const std::string figure_name = fs::path(written.figure).filename().string();
  write_whole(written.markdown, render_markdown(document, figure_name));
}

/// Nothing, with the reason, on a machine that can't draw.
std::optional<Figures> figures_of(const StudyResult& study, std::optional<Error>& why_none) {
  try {
    return draw_figures(study);
  } catch (const Error& error) {
    if (error.status() != ExitStatus::kMachine) throw;
    why_none = error;
    return std::nullopt;
  }
}

}  // namespace

WrittenFiles write_report(const StudyResult& study, std::span<const CheckResult> checks,
                          const std::string& result_path, const std::string& folder) {
  make_folder(folder);
  const std::string base = stem(result_path, folder).string();
  WrittenFiles written;
  write_document(build_document(study, checks), figures_of(study, written.no_page), base, written);
  if (shows_time(study)) {
    written.benchmark = base + ".benchmark.json";
    write_whole(written.benchmark, render_gbench(study));
  }
  return written;
}

WrittenFiles write_report(const CheckResult& check, const std::string& result_path,
                          const std::string& folder) {
  make_folder(folder);
  WrittenFiles written;
  write_document(build_document(check), Figures{}, stem(result_path, folder).string(), written);
  return written;
}

}  // namespace tlblab::report
