// SPDX-License-Identifier: GPL-2.0-only
// Finding and unpacking the kernel's configuration.
#include "user/topology/kernel_config.hh"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <cerrno>

namespace tlblab {
namespace {

/// zlib reads what is not compressed as it is: one reader for all places.
FileText read_maybe_compressed(const std::string& path) {
  errno = 0;
  gzFile file = gzopen(path.c_str(), "re");
  if (file == nullptr) return {.text = {}, .problem = explain_read_error(errno)};
  FileText result;
  std::array<char, 16384> chunk;
  int got = 0;
  while ((got = gzread(file, chunk.data(), chunk.size())) > 0) {
    result.text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  if (gzclose_r(file) != Z_OK || got < 0) return {.text = {}, .problem = "damaged"};
  return result;
}

}  // namespace

FileText read_kernel_config(const std::string& release, const std::string& root) {
  const std::array paths = {root + "/proc/config.gz", root + "/boot/config-" + release,
                            root + "/lib/modules/" + release + "/config"};
  std::string problem;
  for (const std::string& path : paths) {
    FileText config = read_maybe_compressed(path);
    if (config.ok() && !config.text.empty()) return config;
    problem += fmt::format("{}{}: {}", problem.empty() ? "" : "; ", path,
                           config.ok() ? "empty" : config.problem);
  }
  return {.text = {}, .problem = problem};
}

bool config_has(std::string_view config, std::string_view option) {
  for (const char* value : {"y", "m"}) {
    const std::string line = fmt::format("CONFIG_{}={}\n", option, value);
    const auto at = config.find(line);
    if (at == 0 || (at != std::string_view::npos && config[at - 1] == '\n')) return true;
  }
  return false;
}

}  // namespace tlblab
