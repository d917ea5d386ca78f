// SPDX-License-Identifier: GPL-2.0-only
// Reading small kernel files.
#include "user/topology/kernel_files.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace tlblab {
namespace {

constexpr std::string_view kBlanks = " \t\n";

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

std::string explain_read_error(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "no such file";
    case EACCES:
      return "permission denied (needs root)";
    case EPERM:
      return "refused by the kernel (lockdown or a security module)";
    default:
      return std::strerror(error);
  }
}

std::string text_or_problem(const FileText& file) {
  return file.ok() ? file.text : "unknown: " + file.problem;
}

FileText read_kernel_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return {.text = {}, .problem = fmt::format("{}: {}", path, explain_read_error(errno))};
  FileText file;
  std::array<char, 4096> chunk;
  ssize_t got = 0;
  while ((got = ::read(fd, chunk.data(), chunk.size())) > 0) {
    file.text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  const int error = errno;
  ::close(fd);
  if (got < 0)
    return {.text = {}, .problem = fmt::format("{}: {}", path, explain_read_error(error))};
  while (!file.text.empty() && (file.text.back() == '\n' || file.text.back() == '\0')) {
    file.text.pop_back();
  }
  return file;
}

std::string value_of_key(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && trim(line.substr(0, colon)) == key) {
      return std::string(trim(line.substr(colon + 1)));
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return {};
}

bool has_word(std::string_view words, std::string_view word) {
  std::size_t at = 0;
  while ((at = words.find(word, at)) != std::string_view::npos) {
    const std::size_t end = at + word.size();
    const bool starts = at == 0 || kBlanks.find(words[at - 1]) != std::string_view::npos;
    const bool ends = end == words.size() || kBlanks.find(words[end]) != std::string_view::npos;
    if (starts && ends) return true;
    at = end;
  }
  return false;
}

std::string bracketed_choice(const std::string& text) {
  const auto open = text.find('[');
  const auto close = text.find(']', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return text;
  return text.substr(open + 1, close - open - 1);
}

std::vector<int> parse_kernel_cpu_list(std::string_view text) {
  std::vector<int> cpus;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const std::string_view item = trim(text.substr(0, comma));
    int first = 0;
    const char* const end = item.data() + item.size();
    const auto parsed = std::from_chars(item.data(), end, first);
    if (parsed.ec == std::errc{}) {
      int last = first;
      if (parsed.ptr != end && *parsed.ptr == '-') std::from_chars(parsed.ptr + 1, end, last);
      for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    }
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return cpus;
}

}  // namespace tlblab
