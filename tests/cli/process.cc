// SPDX-License-Identifier: GPL-2.0-only
// Processes and folders for the command line tests.
#include "tests/cli/process.hh"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>

namespace tlblab::cli {

std::string tlblab() {
  const char* path = getenv("TLBLAB");
  if (path == nullptr) {
    std::fputs("set TLBLAB to the program under test, with its whole path\n", stderr);
    std::exit(2);  // without it every test would fail
  }
  return path;
}

Folder::Folder() {
  std::string name = std::filesystem::temp_directory_path() / "tlblab-test-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
  path_ = name;
  // Tests that drop root work in here too.
  std::filesystem::permissions(path_, std::filesystem::perms::all);
}

Folder::~Folder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

std::string Folder::write(const std::string& name, const std::string& text) const {
  std::ofstream(path(name), std::ios::binary) << text;
  return path(name);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string read_result(const std::string& path) {
  const std::string packed = read_file(path);
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     &ZSTD_freeDCtx);
  std::string text;
  std::string part(ZSTD_DStreamOutSize(), '\0');
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  ZSTD_outBuffer out{part.data(), part.size(), 0};
  do {
    out.pos = 0;
    if (ZSTD_isError(ZSTD_decompressStream(context.get(), &out, &in)) != 0) break;
    text.append(part, 0, out.pos);
  } while (in.pos < in.size || out.pos == out.size);
  return text;
}

Process::Process(const std::vector<std::string>& argv, const Folder& folder)
    : folder_(folder), pid_(fork()) {
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = open(folder.path("stdout").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  const int err = open(folder.path("stderr").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  if (chdir(folder.path().c_str()) == 0) execvp(words[0], words.data());
  _exit(127);
}

Process::~Process() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

void Process::signal(int number) const { kill(pid_, number); }

Outcome Process::wait() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = 0;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status),
          read_file(folder_.path("stdout")), read_file(folder_.path("stderr"))};
}

Outcome run(const std::vector<std::string>& argv, const Folder& folder) {
  return Process(argv, folder).wait();
}

Outcome run_tlblab(std::vector<std::string> arguments, const Folder& folder) {
  arguments.insert(arguments.begin(), tlblab());
  return run(arguments, folder);
}

}  // namespace tlblab::cli
