// SPDX-License-Identifier: GPL-2.0-only
// Starts the tlblab program as a user would, and a folder of its own for each test.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace tlblab::cli {

struct Outcome {
  int status = -1;  ///< exit status, or 1000 + the signal that killed it
  std::string out;
  std::string err;
};

/// The program under test: $TLBLAB.
std::string tlblab();

/// A new empty folder, removed with its contents on destruction.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string path(const std::string& name = "") const { return (path_ / name); }
  /// Writes `text` to a file in it and returns its path.
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path path_;
};

std::string read_file(const std::string& path);
/// The text of a result file, or as much of it as is there: a run may be writing it.
std::string read_result(const std::string& path);

/// A running command. Its output goes to files, so that it never blocks on a full pipe.
class Process {
 public:
  /// argv[0] is looked up in $PATH; the working folder is `folder`.
  Process(const std::vector<std::string>& argv, const Folder& folder);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  void signal(int number) const;
  Outcome wait();
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  const Folder& folder_;
  pid_t pid_;
};

/// Runs to the end.
Outcome run(const std::vector<std::string>& argv, const Folder& folder);
/// Runs tlblab with `arguments` to the end.
Outcome run_tlblab(std::vector<std::string> arguments, const Folder& folder);

}  // namespace tlblab::cli
