// SPDX-License-Identifier: GPL-2.0-only
// Every thread and every commit that the project cites is listed in docs/sources.md. Run in the
// source tree.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace tlblab {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::set<std::string> matches(const std::string& text, const std::regex& pattern) {
  std::set<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match) {
    found.insert(match->str());
  }
  return found;
}

/// "thread 002", "Threads 000, 004 and 002": their numbers.
std::set<std::string> threads_in(const std::string& text) {
  static const std::regex kMention(R"(\b[Tt]hreads?\s+\d{3}\b((,|\s+and)\s+\d{3}\b)*)");
  static const std::regex kNumber(R"(\d{3})");
  std::set<std::string> numbers;
  for (const std::string& mention : matches(text, kMention)) {
    numbers.merge(matches(mention, kNumber));
  }
  return numbers;
}

/// The first 12 digits of each abbreviated or full hash. A run of digits alone is a number, and the
/// end of a GUID is no hash.
std::set<std::string> commits_in(const std::string& text) {
  static const std::regex kHash(R"(\b[0-9a-f]{12,40}\b)");
  static const std::regex kGuid(R"(\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)");
  std::set<std::string> hashes;
  for (const std::string& hash : matches(std::regex_replace(text, kGuid, ""), kHash)) {
    const bool has_letter = hash.find_first_of("abcdef") != std::string::npos;
    const bool has_digit = hash.find_first_of("0123456789") != std::string::npos;
    if (has_letter && has_digit) hashes.insert(hash.substr(0, 12));
  }
  return hashes;
}

/// What may cite something: everything but tests/unit, whose fixtures make hashes up.
std::vector<fs::path> citing_files() {
  std::vector<fs::path> files = {"README.md"};
  for (const char* folder : {"bench", "docs", "include", "kmod", "user", "tests/cli",
                             "tests/explore", "tests/litmus", "tests/vm"}) {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      const fs::path& path = entry.path();
      static const std::set<std::string> kText = {".c", ".h", ".cc", ".hh", ".md", ".sh", ".toml"};
      if (kText.contains(path.extension())) files.push_back(path);
    }
  }
  return files;
}

TEST(DocsSources, ListsWhatIsCited) {
  const std::string sources = text_of("docs/sources.md");
  std::set<std::string> listed_threads;
  for (const std::string& row : matches(sources, std::regex(R"(\n\| \d{3} \|)"))) {
    listed_threads.insert(row.substr(3, 3));
  }
  std::set<std::string> listed_commits;
  for (const std::string& row : matches(sources, std::regex(R"(\n\| `[0-9a-f]{12}` \|)"))) {
    listed_commits.insert(row.substr(4, 12));
  }
  EXPECT_EQ(listed_threads.size(), 5u);
  std::set<std::string> cited_threads;
  std::set<std::string> cited_commits;
  for (const fs::path& path : citing_files()) {
    const std::string text = text_of(path);
    for (const std::string& thread : threads_in(text)) {
      EXPECT_TRUE(listed_threads.contains(thread)) << path << " cites thread " << thread;
      cited_threads.insert(thread);
    }
    for (const std::string& commit : commits_in(text)) {
      EXPECT_TRUE(listed_commits.contains(commit)) << path << " cites commit " << commit;
      cited_commits.insert(commit);
    }
  }
  // The patterns still match how the project cites.
  EXPECT_TRUE(std::ranges::includes(cited_threads, std::set<std::string>{"000", "002", "004"}));
  EXPECT_TRUE(cited_commits.contains("1e9fdf21a433"));
}

TEST(DocsSources, FindsWaysOfCiting) {
  EXPECT_EQ(threads_in("(threads 000, 004) and\nThread 002: threads 001 and\n 003; 005"),
            (std::set<std::string>{"000", "001", "002", "003", "004"}));
  EXPECT_EQ(commits_in("(mainline a8f78680ee6b) 1e9fdf21a4339b102539f476a9842e7526c01939"),
            (std::set<std::string>{"1e9fdf21a433", "a8f78680ee6b"}));
  EXPECT_TRUE(commits_in("0x123456789abc 123456789012 abcdefabcdef a8f78680ee6").empty());
}

}  // namespace
}  // namespace tlblab
