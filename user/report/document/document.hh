// SPDX-License-Identifier: GPL-2.0-only
// What a report says, before any format: built once (builder.hh), laid out by html, markdown and
// mail, which see nothing else.
//
// All text is clean() UTF-8, not escaped. The document of a study that shows no time holds none.
#pragma once

#include <string>
#include <vector>

namespace tlblab::report {

/// How a text stands out. The words carry the meaning; a tone only repeats it.
enum class Tone {
  kPlain,
  kMuted,
  kArmA,   ///< speaks for scheme A
  kArmB,   ///< speaks for scheme B
  kAlarm,  ///< something failed or contradicts
};

struct TextCell {
  std::string text;
  Tone tone = Tone::kPlain;
};

struct Column {
  std::string title;
  bool numeric = false;  ///< right-aligned, digits of equal width, never wrapped
  bool in_mail = true;   ///< narrow enough for 72 columns with its neighbours
};

struct Row {
  std::vector<TextCell> cells;  ///< the first one names the row
  bool begins_group = false;
  bool strong = false;  ///< the headline's
};

struct Table {
  std::string caption;
  std::vector<Column> columns;  ///< a table whose titles are all empty has no header
  std::vector<Row> rows;
  bool folded = false;  ///< detail that a page may hide until asked
  bool in_mail = true;
};

/// Where a renderer puts pictures, if it has any.
enum class FigureSlot { kNone, kMain, kSessions, kDistribution };

struct Section {
  std::string id;
  std::string title;
  std::vector<std::string> paragraphs;
  std::vector<Table> tables;
  std::string command;  ///< a command line to repeat, or empty
  FigureSlot figures = FigureSlot::kNone;
  bool in_mail = false;
};

/// One of the few numbers that stand right under the answer.
struct Fact {
  std::string label;
  std::string value;
  std::string note;
};

struct Document {
  std::string title;
  std::string question;
  std::string answer;
  std::string machine_kind;
  std::string machine_line;
  std::vector<std::string> notices;  ///< what must be known before any number is read
  std::vector<Fact> facts;
  std::vector<Fact> caveats;  ///< label and value: what every form says beside the answer
  std::vector<Section> sections;
  std::string origin;  ///< tool, revision, date
};

}  // namespace tlblab::report
