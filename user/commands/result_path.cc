// SPDX-License-Identifier: GPL-2.0-only
// Names of result files.
#include "user/commands/result_path.hh"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>

#include "user/records/writer.hh"
#include "user/support/error.hh"

namespace tlblab {
namespace {

namespace fs = std::filesystem;

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw Error(ExitStatus::kMachine,
                fmt::format("cannot make {}: {}", folder.string(), error.message()),
                "Choose another place with --output.");
  }
}

}  // namespace

std::string new_result_path(const std::string& output, const std::string& stem) {
  if (!output.empty()) {
    if (!output.ends_with(records::kFileEnding)) {
      throw Error(ExitStatus::kUsage,
                  fmt::format("a result file is packed: its name ends in {}, not as {}",
                              records::kFileEnding, output),
                  "Give such a name with --output; `zstdcat` reads the file.");
    }
    const fs::path parent = fs::path(output).parent_path();
    if (!parent.empty()) make_folder(parent);
    return output;
  }
  make_folder(kResultsFolder);
  return fmt::format("{}/{}-{:%Y%m%d-%H%M%S}-{}{}", kResultsFolder, stem,
                     fmt::localtime(std::time(nullptr)), getpid(), records::kFileEnding);
}

}  // namespace tlblab
