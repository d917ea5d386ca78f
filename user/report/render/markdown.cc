// SPDX-License-Identifier: GPL-2.0-only
// Lays a document out as Markdown (GitHub's tables).
#include "user/report/render/markdown.hh"

#include <fmt/format.h>

#include "user/report/document/document.hh"
#include "user/report/document/format.hh"

namespace tlblab::report {
namespace {

/// Foreign text must not turn into markup, HTML included.
std::string escape(std::string_view text) {
  const std::string_view special = "\\`*_{}[]|~<>&";
  std::string out;
  for (char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string cell_text(const TextCell& cell, bool strong) {
  const std::string text = escape(cell.text);
  const bool loud =
      strong || cell.tone == Tone::kArmA || cell.tone == Tone::kArmB || cell.tone == Tone::kAlarm;
  return loud && !text.empty() ? "**" + text + "**" : text;
}

std::string table_text(const Table& table) {
  std::string out;
  if (!table.caption.empty()) out += fmt::format("**{}**\n\n", escape(table.caption));
  std::string rule = "|";
  out += "|";
  for (const Column& column : table.columns) {
    out += fmt::format(" {} |", escape(column.title));
    rule += column.numeric ? " ---: |" : " --- |";
  }
  out += "\n" + rule + "\n";
  for (const Row& row : table.rows) {
    out += "|";
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      out += fmt::format(" {} |", cell_text(row.cells[i], row.strong && i == 0));
    }
    out += "\n";
  }
  return out + "\n";
}

/// A fence longer than any run of backticks inside.
std::string fenced(const std::string& text) {
  std::string fence = "```";
  while (text.find(fence) != std::string::npos) fence += '`';
  return fmt::format("{0}sh\n{1}\n{0}\n\n", fence, text);
}

}  // namespace

std::string render_markdown(const Document& document, const std::string& figure) {
  std::string out = fmt::format("# tlblab: {}\n\n", escape(document.title));
  if (!document.question.empty()) out += fmt::format("*{}*\n\n", escape(document.question));
  out += fmt::format("**{}**\n\n", escape(document.answer));
  out += fmt::format("{}: {}\n\n", escape(document.machine_kind), escape(document.machine_line));
  for (const std::string& notice : document.notices) out += fmt::format("> {}\n\n", escape(notice));
  for (const Fact& fact : document.facts) {
    out += fmt::format("- {}: **{}** ({})\n", escape(fact.label), escape(fact.value),
                       escape(fact.note));
  }
  if (!document.facts.empty()) out += "\n";
  for (const Fact& caveat : document.caveats) {
    out += fmt::format("- *{}*: {}\n", escape(caveat.label), escape(caveat.value));
  }
  if (!document.caveats.empty()) out += "\n";
  for (const Section& section : document.sections) {
    const bool shows_figure = section.figures == FigureSlot::kMain && !figure.empty();
    const bool pictures_only = section.tables.empty() && section.figures != FigureSlot::kNone;
    if (pictures_only && !shows_figure) continue;
    out += fmt::format("## {}\n\n", escape(section.title));
    for (const std::string& text : section.paragraphs) out += escape(text) + "\n\n";
    if (shows_figure) out += fmt::format("![{}](<{}>)\n\n", escape(section.title), figure);
    if (!section.command.empty()) out += fenced(section.command);
    for (const Table& table : section.tables) out += table_text(table);
  }
  out += fmt::format("---\n\n{}\n", escape(document.origin));
  return out;
}

}  // namespace tlblab::report
