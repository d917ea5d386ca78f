// SPDX-License-Identifier: GPL-2.0-only
// The child process, and the rewriting of what it prints.
#include "user/report/draw/gnuplot.hh"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "user/report/document/format.hh"
#include "user/support/error.hh"

namespace tlblab::report {
namespace {

constexpr std::array<Ink, 6> kInks{Ink::kInk,  Ink::kGrid,   Ink::kArmA,
                                   Ink::kArmB, Ink::kAccent, Ink::kPaper};

[[noreturn]] void fail(const std::string& what) {
  throw Error(ExitStatus::kMachine, what,
              "Check that `gnuplot --version` works. The Markdown and mail forms need no gnuplot.");
}

/// A file without a name. Three of them instead of pipes: nothing can block, whatever the sizes.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : fd_(memfd_create(name, MFD_CLOEXEC)) {
    if (fd_ < 0) fail(fmt::format("cannot make a memory file: {}", std::strerror(errno)));
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] int fd() const { return fd_; }

  void write_all(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t done = write(fd_, text.data(), text.size());
      if (done < 0 && errno != EINTR) {
        fail(fmt::format("cannot hand the script to gnuplot: {}", std::strerror(errno)));
      }
      if (done > 0) text.remove_prefix(static_cast<std::size_t>(done));
    }
    lseek(fd_, 0, SEEK_SET);
  }

  [[nodiscard]] std::string read_all() const {
    std::string text(static_cast<std::size_t>(lseek(fd_, 0, SEEK_END)), '\0');
    std::size_t at = 0;
    while (at < text.size()) {
      const ssize_t done = pread(fd_, text.data() + at, text.size() - at, static_cast<off_t>(at));
      if (done == 0 || (done < 0 && errno != EINTR)) break;
      if (done > 0) at += static_cast<std::size_t>(done);
    }
    text.resize(at);
    return text;
  }

 private:
  int fd_;
};

/// Runs `gnuplot` on a script; returns what it printed.
std::string run(std::string_view script) {
  const MemoryFile input("script");
  const MemoryFile output("svg");
  const MemoryFile trouble("errors");
  input.write_all(script);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.fd(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output.fd(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, trouble.fd(), STDERR_FILENO);
  std::string name = "gnuplot";
  std::string no_user_settings = "-d";
  std::array<char*, 3> argv{name.data(), no_user_settings.data(), nullptr};
  pid_t child = 0;
  const int error = posix_spawnp(&child, name.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) {
    throw Error(
        ExitStatus::kMachine, "gnuplot is not installed",
        "Install it with `apt-get install gnuplot-nox`. The Markdown and mail forms need no "
        "gnuplot.");
  }
  if (error != 0) fail(fmt::format("cannot start gnuplot: {}", std::strerror(error)));

  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) fail(fmt::format("lost gnuplot: {}", std::strerror(errno)));
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fail(fmt::format("gnuplot failed: {}", clean(trouble.read_all())));
  }
  return output.read_all();
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// Cuts every stretch that begins with `from` and ends with `to`, both included.
void cut_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    const std::size_t end = text.find(to, at + from.size());
    if (end == std::string::npos) return;
    text.erase(at, end + to.size() - at);
  }
}

/// Under each mark with an error bar gnuplot wipes the ground, whatever lies there already.
void cut_halos(std::string& text) {
  const std::string_view mark_end = "color='white'/>\n";
  for (std::size_t end = text.find(mark_end); end != std::string::npos;
       end = text.find(mark_end, end)) {
    const std::size_t begin = text.rfind('<', end);
    text.erase(begin, end + mark_end.size() - begin);
    end = begin;
  }
}

/// gnuplot opens and closes a group at each change of pen; most hold nothing.
void cut_empty_groups(std::string& text) {
  const std::string_view group_end = ">\n</g>\n";
  for (std::size_t end = text.find(group_end); end != std::string::npos;
       end = text.find(group_end, end)) {
    const std::size_t begin = text.rfind('<', end);
    if (begin != std::string::npos && text.compare(begin, 3, "<g ") == 0) {
      text.erase(begin, end + group_end.size() - begin);
      end = begin;
    } else {
      ++end;
    }
  }
}

/// The role whose code is "rgb(n, n, n)", spaced in either of gnuplot's ways; nothing for a real
/// colour.
std::optional<Ink> ink_of(std::string rgb) {
  rgb.erase(std::remove(rgb.begin(), rgb.end(), ' '), rgb.end());
  for (Ink ink : kInks) {
    const int n = static_cast<int>(ink);
    if (rgb == fmt::format("rgb({},{},{})", n, n, n)) return ink;
  }
  return std::nullopt;
}

using Theme = std::array<std::string_view, 6>;  ///< in the order of kInks

constexpr Theme kPageTheme{"var(--ink)",   "var(--grid)",   "var(--arm-a)",
                           "var(--arm-b)", "var(--accent)", "var(--paper)"};
constexpr Theme kLightTheme{"#1c1e21", "#d9dce1", "#0072b2", "#d55e00", "#00795c", "#ffffff"};

std::string_view colour(const Theme& theme, Ink ink) {
  return theme.at(static_cast<std::size_t>(ink) - 1);
}

void paint(std::string& text, const Theme& theme) {
  for (std::size_t at = text.find("rgb("); at != std::string::npos; at = text.find("rgb(", at)) {
    const std::size_t end = text.find(')', at);
    if (end == std::string::npos) break;
    const std::optional<Ink> ink = ink_of(text.substr(at, end + 1 - at));
    if (ink) {
      text.replace(at, end + 1 - at, colour(theme, *ink));
    } else {
      at = end;
    }
  }
  const std::array<std::pair<std::string_view, Ink>, 3> named{
      {{"black", Ink::kInk}, {"gray", Ink::kGrid}, {"white", Ink::kPaper}}};
  for (const auto& [name, ink] : named) {
    for (std::string_view attribute : {"color", "fill", "stroke"}) {
      for (char quote : {'\'', '"'}) {
        replace_all(text, fmt::format("{}={}{}{}", attribute, quote, name, quote),
                    fmt::format("{}={}{}{}", attribute, quote, colour(theme, ink), quote));
      }
    }
  }
}

/// What both forms share; returns the text after the opening tag.
std::string body_of(std::string_view raw, const Theme& theme) {
  std::string text(raw);
  text.erase(0, text.find('>', text.find("<svg")) + 1);
  cut_all(text, "<title>", "</title>");
  cut_all(text, "<desc>", "</desc>");
  cut_all(text, "<filter", "</filter>");
  cut_all(text, " id=\"", "\"");
  cut_all(text, "<rect x=\"0\" y=\"0\"", "/>");
  cut_halos(text);
  cut_empty_groups(text);
  replace_all(text, "stroke-dasharray='2,4' class=\"gridline\"", "");
  paint(text, theme);
  return text;
}

std::string view_box(std::string_view raw) {
  const std::string_view key = "viewBox=\"";
  const std::size_t begin = raw.find(key) + key.size();
  return std::string(raw.substr(begin, raw.find('"', begin) - begin));
}

}  // namespace

std::string code(Ink ink) {
  const int n = static_cast<int>(ink);
  return fmt::format("'#{:02x}{:02x}{:02x}'", n, n, n);
}

std::vector<std::string> draw(std::span<const Canvas> canvases) {
  if (canvases.empty()) return {};
  std::string script = "set encoding utf8\n";
  for (const Canvas& canvas : canvases) {
    script += fmt::format(
        "reset\nset terminal svg size {},{} dynamic noenhanced rounded font 'sans-serif,16'\n{}\n",
        canvas.width, canvas.height, canvas.script);
  }
  const std::string printed = run(script);
  const std::string_view picture_end = "</svg>";
  std::vector<std::string> pictures;
  for (std::size_t at = printed.find("<svg"); at != std::string::npos;
       at = printed.find("<svg", at)) {
    const std::size_t end = printed.find(picture_end, at);
    if (end == std::string::npos) break;
    pictures.push_back(printed.substr(at, end + picture_end.size() - at));
    at = end;
  }
  if (pictures.size() != canvases.size()) {
    fail(fmt::format("gnuplot drew {} of {} figures", pictures.size(), canvases.size()));
  }
  return pictures;
}

std::string inline_svg(std::string_view raw, std::string_view id, const Spoken& spoken) {
  std::string body = body_of(raw, kPageTheme);
  cut_all(body, " font-family=\"", "\"");
  replace_all(body, "xlink:href='#", fmt::format("href='#{}-", id));
  replace_all(body, " id='", fmt::format(" id='{}-", id));
  return fmt::format(
      "<svg class=\"plot\" viewBox=\"{}\" role=\"img\" aria-labelledby=\"{}-t {}-d\">"
      "<title id=\"{}-t\">{}</title><desc id=\"{}-d\">{}</desc>{}",
      view_box(raw), id, id, id, html_escape(spoken.title), id, html_escape(spoken.description),
      body);
}

std::string standalone_svg_of(std::string_view raw, const Spoken& spoken) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" "
      "viewBox=\"{}\" role=\"img\"><title>{}</title><desc>{}</desc>"
      "<rect width=\"100%\" height=\"100%\" fill=\"{}\"/>{}\n",
      view_box(raw), html_escape(spoken.title), html_escape(spoken.description),
      colour(kLightTheme, Ink::kPaper), body_of(raw, kLightTheme));
}

}  // namespace tlblab::report
