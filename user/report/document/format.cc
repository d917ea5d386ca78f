// SPDX-License-Identifier: GPL-2.0-only
// Numbers and text as every report writes them.
#include "user/report/document/format.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace tlblab::report {
namespace {

constexpr int kSignificantDigits = 3;
constexpr std::string_view kMinus = "−";

struct Unit {
  double ns;
  std::string_view name;
};
constexpr std::array<Unit, 4> kUnits{{{1, "ns"}, {1e3, "µs"}, {1e6, "ms"}, {1e9, "s"}}};

/// Decimals that show `value` with three significant digits; 999.6 counts as 1000.
int decimals_for(double value) {
  const double magnitude = std::abs(value);
  if (magnitude == 0 || !std::isfinite(magnitude)) return 0;
  int decimals = kSignificantDigits - 1 - static_cast<int>(std::floor(std::log10(magnitude)));
  const double scale = std::pow(10.0, decimals);
  if (std::round(magnitude * scale) >= std::pow(10.0, kSignificantDigits)) --decimals;
  return std::clamp(decimals, 0, 9);
}

/// Groups of three from 10 000 on, as the thin space is no help in shorter numbers.
std::string grouped(std::string digits) {
  const std::size_t whole = std::min(digits.find('.'), digits.size());
  if (whole < 5) return digits;
  for (std::size_t at = whole; at > 3; at -= 3) digits.insert(at - 3, 1, ' ');
  return digits;
}

std::string fixed(double value, int decimals) {
  const double scale = std::pow(10.0, decimals);
  const bool negative = std::round(value * scale) < 0;
  const std::string digits = grouped(fmt::format("{:.{}f}", std::abs(value), decimals));
  return (negative ? std::string(kMinus) : std::string()) + digits;
}

/// The largest unit in which the value, rounded as it will be shown, is at least one.
const Unit& unit_for(double ns) {
  const Unit* best = kUnits.data();
  for (const Unit& unit : kUnits) {
    const double value = std::abs(ns) / unit.ns;
    if (value * (1 + 0.5e-3) >= 1) best = &unit;
  }
  return *best;
}

bool has_interval(const Interval& interval) {
  return std::isfinite(interval.low) && std::isfinite(interval.high);
}

/// Three digits of the estimate, or of the half-width where that is larger; one more where the
/// half-width would not show.
int decimals_for(const Interval& interval, double unit) {
  const double half_width = (interval.high - interval.low) / 2 / unit;
  const int least = decimals_for(std::max(std::abs(interval.estimate / unit), half_width));
  if (!(half_width > 0)) return least;
  const int wanted = static_cast<int>(std::ceil(-std::log10(half_width)));
  return std::clamp(wanted, least, least + 1);
}

std::string sign_of(double value) { return value > 0 ? "+" : ""; }

/// `suffix` is the unit with its space, if any.
std::string with_bounds(const Interval& interval, double unit, std::string_view suffix) {
  if (!std::isfinite(interval.estimate)) return std::string(kNotAvailable);
  if (!has_interval(interval)) {
    const double value = interval.estimate / unit;
    return fmt::format("{}{} ({})", fixed(value, decimals_for(value)), suffix, kNoInterval);
  }
  const int decimals = decimals_for(interval, unit);
  return fmt::format("{}{} [{}, {}]", fixed(interval.estimate / unit, decimals), suffix,
                     fixed(interval.low / unit, decimals), fixed(interval.high / unit, decimals));
}

/// Bytes of the UTF-8 sequence at `at`, 0 when it is broken. Overlong forms and surrogates are
/// broken too: a browser would show them as such.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(at + 1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool outside = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
  return overlong || outside ? 0 : length;
}

std::string replace_each(std::string_view text,
                         const std::vector<std::pair<std::string_view, std::string_view>>& pairs) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto hit = std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) {
      return text.substr(at, pair.first.size()) == pair.first;
    });
    if (hit == pairs.end()) {
      out += text[at++];
    } else {
      out += hit->second;
      at += hit->first.size();
    }
  }
  return out;
}

std::string shell_word(const std::string& word) {
  const std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  return "'" + replace_each(word, {{"'", "'\\''"}}) + "'";
}

}  // namespace

std::string significant(double value) {
  if (!std::isfinite(value)) return std::string(kNotAvailable);
  return fixed(value, decimals_for(value));
}

std::string count(std::uint64_t value) { return grouped(std::to_string(value)); }

std::string duration(double ns) {
  if (!std::isfinite(ns)) return std::string(kNotAvailable);
  const Unit& unit = unit_for(ns);
  return fmt::format("{} {}", significant(ns / unit.ns), unit.name);
}

std::string duration_signed(double ns) { return sign_of(ns) + duration(ns); }

std::string duration_interval(const Interval& ns) {
  const Unit& unit = unit_for(ns.estimate);
  return with_bounds(ns, unit.ns, fmt::format(" {}", unit.name));
}

std::string duration_interval_signed(const Interval& ns) {
  return std::isfinite(ns.estimate) ? sign_of(ns.estimate) + duration_interval(ns)
                                    : std::string(kNotAvailable);
}

std::string ratio(double value) {
  return std::isfinite(value) ? significant(value) + "×" : std::string(kNotAvailable);
}

std::string ratio_interval(const Interval& value) { return with_bounds(value, 1, "×"); }

std::string percent(double share) {
  if (!std::isfinite(share)) return std::string(kNotAvailable);
  const double value = share * 100;
  const bool whole = std::abs(value - std::round(value)) < 1e-9;
  const int decimals = std::abs(value) >= 10 || whole ? 0 : std::abs(value) >= 0.1 ? 1 : 2;
  return fixed(value, decimals) + " %";
}

std::string change(double ratio) {
  return std::isfinite(ratio) ? sign_of(ratio - 1) + percent(ratio - 1)
                              : std::string(kNotAvailable);
}

std::string p_value(double p) {
  if (!std::isfinite(p)) return std::string(kNotAvailable);
  return p < 0.001 ? "< 0.001" : fixed(p, p < 0.1 ? 3 : 2);
}

std::string tick_duration(double ns, double step) {
  const Unit& unit = unit_for(ns);
  return fmt::format("{} {}", tick_number(ns / unit.ns, step / unit.ns), unit.name);
}

std::string tick_number(double value, double step) {
  const int decimals = static_cast<int>(std::ceil(-std::log10(step) - 1e-9));
  return fixed(value, std::clamp(decimals, 0, 6));
}

std::string plural(std::uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", count(number), noun, number == 1 ? "" : "s");
}

std::string clean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text, at);
    const auto byte = static_cast<unsigned char>(text[at]);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      ++at;
    } else if (byte < 0x20 || byte == 0x7F || (byte == 0xC2 && text[at + 1] < '\xA0')) {
      out += ' ';
      at += length;
    } else {
      out += text.substr(at, length);
      at += length;
    }
  }
  return out;
}

std::string to_ascii(std::string_view text) {
  return replace_each(text, {{"µ", "u"},
                             {"×", "x"},
                             {"−", "-"},
                             {"±", "+-"},
                             {"≤", "<="},
                             {"≥", ">="},
                             {"–", "-"},
                             {"·", "|"},
                             {"σ", "s"},
                             {"ρ", "rho"}});
}

std::string html_escape(std::string_view text) {
  return replace_each(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  }));
}

std::pair<std::string, std::string> split_at(const std::string& text, std::size_t columns) {
  std::size_t at = 0;
  for (std::size_t seen = 0; at < text.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
    if (begins && seen++ == columns) break;
  }
  return {text.substr(0, at), text.substr(at)};
}

std::string shell_command(const std::vector<std::string>& argv) {
  std::string line;
  for (const std::string& word : argv) {
    if (!line.empty()) line += ' ';
    line += shell_word(word);
  }
  return line;
}

}  // namespace tlblab::report
