// SPDX-License-Identifier: GPL-2.0-only
// Reading and parsing tracefs.
#include "user/counters/tracepoints.hh"

#include <fmt/format.h>

#include <cctype>
#include <charconv>

#include "user/topology/private_mount.hh"

namespace tlblab::counters {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

}  // namespace

Tracepoint parse_tracepoint(std::string_view id, std::string_view format) {
  Tracepoint tracepoint;
  const auto parsed = std::from_chars(id.data(), id.data() + id.size(), tracepoint.id);
  if (parsed.ec != std::errc{} || parsed.ptr != id.data() + id.size()) {
    tracepoint.problem = fmt::format("tracefs gives \"{}\" for its number", id);
  }
  tracepoint.format = format;
  return tracepoint;
}

bool has_field(std::string_view format, std::string_view field) {
  // "	field:unsigned long pages;	offset:16;	size:8;	signed:0;"
  for (const char* before : {" ", "*"}) {
    if (format.find(fmt::format("{}{};\toffset:", before, field)) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

std::map<std::string, long> symbolic_values(std::string_view format, std::string_view field) {
  // "__print_symbolic(REC->reason, { 0, "flush on task switch" }, { 1, ... })"
  std::map<std::string, long> values;
  const auto begin = format.find(fmt::format("__print_symbolic(REC->{},", field));
  if (begin == std::string_view::npos) return values;
  std::string_view rest = format.substr(begin);
  while (true) {
    const auto open = rest.find_first_of("{)");
    if (open == std::string_view::npos || rest[open] == ')') return values;
    rest.remove_prefix(open + 1);
    const auto digit = rest.find_first_not_of(' ');
    const auto quote = rest.find('"');
    const auto end_quote = quote == std::string_view::npos ? quote : rest.find('"', quote + 1);
    if (end_quote == std::string_view::npos) return values;
    long value = 0;
    // A value that is not a number is an enum that this kernel did not resolve: left out.
    if (std::from_chars(rest.data() + digit, rest.data() + quote, value).ec == std::errc{}) {
      values[lower(rest.substr(quote + 1, end_quote - quote - 1))] = value;
    }
    rest.remove_prefix(end_quote + 1);
  }
}

Tracepoints read_tracepoints(const std::vector<std::string>& names) {
  std::vector<std::string> paths;
  for (const std::string& name : names) {
    std::string directory = "events/" + name;
    directory[directory.find(':')] = '/';
    paths.push_back(directory + "/id");
    paths.push_back(directory + "/format");
  }
  const std::vector<FileText> files = read_files_of("tracefs", "/sys/kernel/tracing", paths);
  Tracepoints tracepoints;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const FileText& id = files[2 * i];
    const FileText& format = files[2 * i + 1];
    if (id.ok() && format.ok()) {
      tracepoints[names[i]] = parse_tracepoint(id.text, format.text);
    } else {
      tracepoints[names[i]].problem = id.ok() ? format.problem : id.problem;
    }
  }
  return tracepoints;
}

}  // namespace tlblab::counters
