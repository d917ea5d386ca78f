// SPDX-License-Identifier: GPL-2.0-only
// Lays a document and its figures out as one HTML page.
#include "user/report/render/html.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "user/report/document/document.hh"
#include "user/report/document/format.hh"

namespace tlblab::report {
namespace {

/// A table of more columns than a page holds keeps its first one in sight while it is scrolled.
constexpr std::size_t kWideTable = 7;

constexpr std::array<std::string_view, 5> kUnits{"ns", "µs", "ms", "s", "%"};

/// Escaped, and a number is never parted from its unit at a line's end.
std::string prose(std::string_view text) {
  const std::string escaped = html_escape(text);
  std::string out;
  for (std::size_t at = 0; at < escaped.size(); ++at) {
    const bool after_digit = at > 0 && escaped[at - 1] >= '0' && escaped[at - 1] <= '9';
    const std::string_view rest = std::string_view(escaped).substr(at + 1);
    const bool before_unit = std::any_of(kUnits.begin(), kUnits.end(), [&](std::string_view unit) {
      return rest.substr(0, unit.size()) == unit &&
             (rest.size() == unit.size() || std::isalnum(rest[unit.size()] & 0x7F) == 0);
    });
    if (escaped[at] == ' ' && after_digit && before_unit) {
      out += "&nbsp;";
    } else {
      out += escaped[at];
    }
  }
  return out;
}

std::string_view tone_class(Tone tone) {
  switch (tone) {
    case Tone::kPlain:
      return "";
    case Tone::kMuted:
      return "muted";
    case Tone::kArmA:
      return "arm-a";
    case Tone::kArmB:
      return "arm-b";
    case Tone::kAlarm:
      return "alarm";
  }
  return "";
}

std::string_view ink_variable(Ink ink) {
  switch (ink) {
    case Ink::kInk:
      return "var(--ink)";
    case Ink::kGrid:
      return "var(--grid)";
    case Ink::kArmA:
      return "var(--arm-a)";
    case Ink::kArmB:
      return "var(--arm-b)";
    case Ink::kAccent:
      return "var(--accent)";
    case Ink::kPaper:
      return "var(--paper)";
  }
  return "";
}

std::string paragraph(std::string_view css_class, std::string_view text) {
  if (text.empty()) return "";
  return css_class.empty() ? fmt::format("<p>{}</p>\n", prose(text))
                           : fmt::format("<p class=\"{}\">{}</p>\n", css_class, prose(text));
}

std::string cell_html(const TextCell& cell) {
  std::string text = prose(cell.text);
  if (cell.tone == Tone::kPlain) return text;
  return fmt::format("<span class=\"{}\">{}</span>", tone_class(cell.tone), text);
}

std::string row_html(const Table& table, const Row& row) {
  std::string classes;
  if (row.begins_group) classes += "group ";
  if (row.strong) classes += "strong";
  std::string out = classes.empty() ? "<tr>" : fmt::format("<tr class=\"{}\">", classes);
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    const bool numeric = table.columns.at(i).numeric;
    if (i == 0) {
      out += fmt::format("<th scope=\"row\"{}>{}</th>", numeric ? " class=\"n\"" : "",
                         cell_html(row.cells[i]));
    } else {
      out +=
          fmt::format("<td class=\"{}\">{}</td>", numeric ? "n" : "text", cell_html(row.cells[i]));
    }
  }
  return out + "</tr>\n";
}

bool has_header(const Table& table) {
  return std::any_of(table.columns.begin(), table.columns.end(),
                     [](const Column& column) { return !column.title.empty(); });
}

std::string_view table_class(const Table& table) {
  if (!has_header(table)) return "facts-table";
  if (table.columns.size() == 2) return "pairs";
  return table.columns.size() >= kWideTable ? "wide" : "plain";
}

std::string table_html(const Table& table, std::string_view fallback_label) {
  const bool header = has_header(table);
  std::string out;
  if (!table.caption.empty() && !table.folded) {
    out += fmt::format("<h3>{}</h3>\n", prose(table.caption));
  }
  out += fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">\n<table "
      "class=\"{}\">\n",
      prose(table.caption.empty() ? fallback_label : std::string_view(table.caption)),
      table_class(table));
  if (header) {
    out += "<thead><tr>";
    for (const Column& column : table.columns) {
      out += fmt::format("<th scope=\"col\"{}>{}</th>", column.numeric ? " class=\"n\"" : "",
                         prose(column.title));
    }
    out += "</tr></thead>\n";
  }
  out += "<tbody>\n";
  for (const Row& row : table.rows) out += row_html(table, row);
  out += "</tbody></table></div>\n";
  if (!table.folded) return out;
  return fmt::format("<details><summary>{}</summary>\n{}</details>\n", prose(table.caption), out);
}

/// The sample of a key, drawn as gnuplot draws the line.
std::string sample_html(const KeyEntry& entry) {
  const std::string_view ink = ink_variable(entry.ink);
  const std::string fill(entry.control ? std::string_view("var(--paper)") : ink);
  const std::string mark =
      !entry.mark ? ""
      : entry.square
          ? fmt::format("<rect x=\"14\" y=\"2\" width=\"8\" height=\"8\" fill=\"{}\"/>", fill)
          : fmt::format("<circle cx=\"18\" cy=\"6\" r=\"4.2\" fill=\"{}\"/>", fill);
  const std::string line = !entry.line     ? ""
                           : entry.control ? "<path d=\"M0 6h36\" stroke-dasharray=\"6 4\"/>"
                                           : "<path d=\"M0 6h36\"/>";
  return fmt::format(
      "<svg viewBox=\"0 0 36 12\" aria-hidden=\"true\"><g stroke=\"{}\" stroke-width=\"2\" "
      "fill=\"none\">{}{}</g></svg>",
      ink, line, mark);
}

std::string figure_html(const Figure& figure) {
  std::string out = figure.small ? "<figure class=\"small\">\n" : "<figure>\n";
  if (!figure.title.empty()) out += fmt::format("<h3>{}</h3>\n", prose(figure.title));
  if (!figure.key.empty()) {
    out += "<ul class=\"key\">\n";
    for (const KeyEntry& entry : figure.key) {
      out += fmt::format("<li>{}{}</li>\n", sample_html(entry), prose(entry.name));
    }
    out += "</ul>\n";
  }
  out += figure.pictures.size() == 1 ? "<div class=\"pictures single\">\n"
                                     : "<div class=\"pictures\">\n";
  for (const Picture& picture : figure.pictures) {
    out += fmt::format("<div><p class=\"picture-title\">{}</p>\n{}</div>\n", prose(picture.title),
                       picture.svg);
  }
  out += "</div>\n";
  if (!figure.caption.empty()) {
    out += fmt::format("<figcaption>{}</figcaption>\n", prose(figure.caption));
  }
  return out + "</figure>\n";
}

std::string figures_html(const std::vector<Figure>& figures, FigureSlot slot) {
  std::string out;
  std::string multiples;
  std::string excuse;
  bool drawn = false;
  for (const Figure& figure : figures) {
    if (figure.slot != slot) continue;
    (figure.small ? multiples : out) += figure_html(figure);
    drawn = drawn || !figure.pictures.empty();
    if (excuse.empty()) excuse = figure.caption;
  }
  // Said once: a page of empty frames tells no more.
  if (!drawn && !excuse.empty()) return paragraph("muted", excuse);
  if (!multiples.empty()) {
    out += paragraph("muted", "Other shapes and calls, drawn alike: A circles, B squares.");
    out += "<div class=\"multiples\">\n" + multiples + "</div>\n";
  }
  return out;
}

/// Each word whole as long as it fits, so that no line ends inside an option's dashes.
std::string words_html(const std::string& command) {
  std::string out;
  std::size_t begin = 0;
  while (begin < command.size()) {
    const std::size_t end = std::min(command.find(' ', begin), command.size());
    out += fmt::format("<span>{}</span>", html_escape(command.substr(begin, end - begin)));
    if (end < command.size()) out += ' ';
    begin = end + 1;
  }
  return out;
}

std::string section_html(const Section& section, const std::vector<Figure>& figures) {
  std::string out =
      fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n", section.id, prose(section.title));
  for (const std::string& text : section.paragraphs) out += paragraph("", text);
  if (!section.command.empty()) {
    out += "<pre><code>" + words_html(section.command) + "</code></pre>\n";
  }
  if (section.figures != FigureSlot::kNone) out += figures_html(figures, section.figures);
  for (const Table& table : section.tables) out += table_html(table, section.title);
  return out + "</section>\n";
}

std::string header_html(const Document& document) {
  std::string out = "<header>\n";
  out +=
      paragraph("kicker", fmt::format("tlblab · {} · {}", document.title, document.machine_kind));
  out += paragraph("question", document.question);
  out += fmt::format("<h1>{}</h1>\n", prose(document.answer));
  out += paragraph("muted", document.machine_line);
  if (!document.notices.empty()) {
    out += "<ul class=\"notices\">\n";
    for (const std::string& notice : document.notices) {
      out += fmt::format("<li>{}</li>\n", prose(notice));
    }
    out += "</ul>\n";
  }
  if (!document.facts.empty()) {
    out += "<dl class=\"facts\">\n";
    for (const Fact& fact : document.facts) {
      out += fmt::format(
          "<div><dt>{}</dt><dd class=\"value\">{}</dd><dd class=\"note\">{}</dd></div>\n",
          prose(fact.label), prose(fact.value), prose(fact.note));
    }
    out += "</dl>\n";
  }
  if (!document.caveats.empty()) {
    out += "<dl class=\"caveats\">\n";
    for (const Fact& caveat : document.caveats) {
      out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", prose(caveat.label),
                         prose(caveat.value));
    }
    out += "</dl>\n";
  }
  return out + "</header>\n";
}

}  // namespace

std::string render_html(const Document& document, const std::vector<Figure>& figures) {
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>{} · tlblab</title>\n"
      "<style>{}</style>\n</head>\n<body>\n",
      prose(document.title), style_sheet());
  out += header_html(document) + "<main>\n";
  for (const Section& section : document.sections) out += section_html(section, figures);
  out += "</main>\n<footer>\n" + paragraph("", document.origin) + "</footer>\n</body>\n</html>\n";
  return out;
}

}  // namespace tlblab::report
