// SPDX-License-Identifier: GPL-2.0-only
// Lays the part of a document that belongs in a mail out in 72 columns of ASCII.
#include "user/report/render/mail.hh"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include "user/report/document/document.hh"
#include "user/report/document/format.hh"

namespace tlblab::report {
namespace {

constexpr std::size_t kIndent = 2;

/// Fills lines word by word. `tail` ends every line but the last: " \" for a command, nothing for
/// prose. A word longer than a line is cut with a backslash in either.
std::string wrapped(const std::string& text, std::size_t indent, std::string_view tail = "") {
  const std::string margin(indent, ' ');
  const std::size_t room = kMailColumns - indent - tail.size();
  std::istringstream words(to_ascii(text));
  std::string out;
  std::string line;
  std::string word;
  while (words >> word) {
    if (!line.empty() && display_width(line) + 1 + display_width(word) > room) {
      out += margin + line + std::string(tail) + "\n";
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
    while (display_width(line) > room) {
      auto [head, rest] = split_at(line, kMailColumns - indent - 1);
      out += margin + head + "\\\n";
      line = std::move(rest);
    }
  }
  return line.empty() ? out : out + margin + line + "\n";
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string space(width - std::min(width, display_width(text)), ' ');
  return right ? space + text : text + space;
}

using Line = std::vector<std::string>;

std::string trimmed(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

/// Every row as "column: value" lines: for a table that does not fit side by side.
std::string as_records(const std::vector<const Column*>& columns, const std::vector<Line>& rows) {
  std::string out;
  for (const Line& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string& title = columns[i]->title;
      out += wrapped(title.empty() || i == 0 ? row[i] : title + ": " + row[i],
                     i == 0 ? kIndent : 2 * kIndent);
    }
  }
  return out;
}

std::string table_text(const Table& table) {
  std::vector<const Column*> columns;
  std::vector<Line> rows(table.rows.size());
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (!table.columns[i].in_mail) continue;
    columns.push_back(&table.columns[i]);
    std::size_t width = display_width(to_ascii(table.columns[i].title));
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
      rows[r].push_back(to_ascii(table.rows[r].cells.at(i).text));
      width = std::max(width, display_width(rows[r].back()));
    }
    widths.push_back(width);
  }
  std::string out;
  if (!table.caption.empty()) out += wrapped(table.caption + ":", 0);
  std::size_t text_width = 0;
  for (std::size_t width : widths) text_width += width;
  const std::size_t nr_gaps = widths.size() - 1;
  const bool roomy = kIndent + text_width + 2 * nr_gaps <= kMailColumns;
  if (!roomy && text_width + nr_gaps > kMailColumns) return out + as_records(columns, rows);

  const auto lay_out = [&](const auto& text_of) {
    std::string line(roomy ? kIndent : 0, ' ');
    for (std::size_t i = 0; i < columns.size(); ++i) {
      line += padded(text_of(i), widths[i], columns[i]->numeric) + (roomy ? "  " : " ");
    }
    return trimmed(std::move(line));
  };
  out += lay_out([&](std::size_t i) { return to_ascii(columns[i]->title); });
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (table.rows[r].begins_group) out += "\n";
    out += lay_out([&](std::size_t i) { return rows[r][i]; });
  }
  return out;
}

std::string heading(const std::string& title) {
  const std::string line = wrapped(title, 0);
  return "\n" + line + std::string(std::min(kMailColumns, display_width(to_ascii(title))), '-') +
         "\n";
}

}  // namespace

std::string render_mail(const Document& document) {
  std::string out = wrapped(document.answer, 0) + "\n";
  out += wrapped(document.machine_kind + ": " + document.machine_line, 0);
  for (const std::string& notice : document.notices) out += "\n" + wrapped(notice, 0);
  if (!document.facts.empty()) out += "\n";
  for (const Fact& fact : document.facts) {
    out += wrapped(fmt::format("{}: {} ({})", fact.label, fact.value, fact.note), kIndent);
  }
  if (!document.caveats.empty()) out += "\n";
  for (const Fact& caveat : document.caveats) {
    out += wrapped(fmt::format("{}: {}", caveat.label, caveat.value), kIndent);
  }
  for (const Section& section : document.sections) {
    if (!section.in_mail) continue;
    out += heading(section.title);
    bool first = true;
    for (const std::string& text : section.paragraphs) {
      out += (first ? "" : "\n") + wrapped(text, 0);
      first = false;
    }
    if (!section.command.empty()) out += "\n" + wrapped(section.command, kIndent, " \\");
    for (const Table& table : section.tables) {
      if (table.in_mail) out += "\n" + table_text(table);
    }
  }
  return out + "\n" + wrapped(document.origin, 0);
}

}  // namespace tlblab::report
