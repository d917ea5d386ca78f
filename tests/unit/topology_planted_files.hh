// SPDX-License-Identifier: GPL-2.0-only
// A folder of made-up /proc and /sys files, for readers that take a root.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace tlblab {

class PlantedFiles {
 public:
  PlantedFiles() {
    std::string name = (std::filesystem::temp_directory_path() / "tlblab-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    root_ = name;
  }
  ~PlantedFiles() { std::filesystem::remove_all(root_); }
  PlantedFiles(const PlantedFiles&) = delete;
  PlantedFiles& operator=(const PlantedFiles&) = delete;

  /// `path` is absolute, as on the machine.
  void plant(const std::string& path, const std::string& text) const {
    const std::filesystem::path full = root_ + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full, std::ios::binary) << text;
  }
  [[nodiscard]] const std::string& root() const { return root_; }

 private:
  std::string root_;
};

}  // namespace tlblab
