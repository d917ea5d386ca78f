// SPDX-License-Identifier: GPL-2.0-only
// The catalogue against what it must agree with and can't be made from: the ABI's enums and its
// account, the sums of the module's core, and the tables of the documentation. Reads the sources,
// so it is started from their folder.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <tlblab/catalogue.hh>
#include <vector>

#include "kmod/core/operation.hh"

namespace tlblab::catalogue {
namespace {

using Names = std::set<std::string>;

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path << ": start the tests from the folder of the sources";
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// What `pattern` captures first, wherever it matches.
std::vector<std::string> all_matches(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) {
    found.push_back((*at)[1]);
  }
  return found;
}

/// The text from `begin` to the next `end`; empty, with a failure, if there is none.
std::string part_of(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  const std::size_t to = from == std::string::npos ? from : text.find(end, from);
  EXPECT_NE(to, std::string::npos) << begin;
  return to == std::string::npos ? "" : text.substr(from, to - from);
}

/// The names in backquotes in the first column of the table under that head, "| gather |".
Names first_column(const std::string& path, const std::string& head) {
  std::istringstream lines(part_of(text_of(path), "\n" + head, "\n\n"));
  Names names;
  std::string line;
  for (int i = 0; std::getline(lines, line); ++i) {
    if (i < 3) continue;  // the end of the line before, the head, and what parts it from the rows
    const std::string cell = line.substr(0, line.find('|', 1));
    for (const std::string& name : all_matches(cell, "`([^`]*)`")) names.insert(name);
  }
  return names;
}

template <class Row, std::size_t kNr>
Names names_of(const Row (&rows)[kNr]) {
  Names names;
  for (const Row& row : rows) names.insert(row.name);
  return names;
}

/// "TLBLAB_PER_PAGE" as "per-page".
std::string in_words(std::string constant) {
  constant.erase(0, std::string("TLBLAB_").size());
  for (char& c : constant) {
    c = c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return constant;
}

/// Each value of that enum of the ABI has a row, whose name is the end of its own.
template <class Row, std::size_t kNr>
void expect_rows_of(const std::string& name, const Row (&rows)[kNr]) {
  const std::string body = part_of(text_of("include/tlblab/abi.h"), "enum " + name + " {", "};");
  const auto constants = all_matches(body, R"((TLBLAB_\w+) = \d+,)");
  const auto values = all_matches(body, R"(TLBLAB_\w+ = (\d+),)");
  ASSERT_EQ(constants.size(), kNr) << name << ": values of the ABI, and rows";
  for (std::size_t i = 0; i < kNr; ++i) {
    EXPECT_EQ(values[i], std::to_string(rows[i].value)) << constants[i];
    EXPECT_TRUE(in_words(constants[i]).ends_with(rows[i].name)) << constants[i];
  }
}

TEST(ValueCatalogue, HasARowForEveryValueOfTheAbi) {
  expect_rows_of("tlblab_operation", kOperations);
  expect_rows_of("tlblab_gather", kGathers);
  expect_rows_of("tlblab_extent", kExtents);
  expect_rows_of("tlblab_release", kReleases);
  expect_rows_of("tlblab_mechanism", kMechanisms);
  expect_rows_of("tlblab_fault", kFaults);
  expect_rows_of("tlblab_step", kSteps);
}

TEST(ValueCatalogue, NamesTermsAsTheAccountDoes) {
  const auto fields =
      all_matches(part_of(text_of("include/tlblab/abi.h"), "struct tlblab_account {", "reserved["),
                  R"(__u64 (\w+);)");
  ASSERT_EQ(fields.size(), std::size(kTerms));
  const tlblab_account account{};
  const __u64* const first = &account.vmas;
  Names labels;
  for (const Term& term : kTerms) {
    EXPECT_EQ(fields[static_cast<std::size_t>(&(account.*term.field) - first)], term.name);
    EXPECT_TRUE(labels.insert(term.label).second) << term.label;
  }
}

TEST(ValueCatalogue, NamesAreWordsAndApart) {
  const auto check = [](const auto& rows) {
    EXPECT_EQ(names_of(rows).size(), std::size(rows));
    for (const auto& row : rows) {
      EXPECT_TRUE(std::regex_match(row.name, std::regex("[a-z][a-z0-9-]*"))) << row.name;
      EXPECT_STRNE(row.summary, "") << row.name;
    }
  };
  check(kOperations);
  check(kGathers);
  check(kExtents);
  check(kReleases);
  check(kMechanisms);
  check(kFaults);
  check(kSteps);
}

/// The smallest platform that an Operation can be made for.
struct NoPlatform {
  bool resched_point() { return true; }
  __u64 clock_ns() { return 0; }
};

TEST(ValueCatalogue, EachCostIsMergedAsItsTermSays) {
  constexpr std::size_t nr_costs = sizeof(lab_flush_cost) / sizeof(__u64);
  struct Costs {
    __u64 cost[nr_costs];
  };
  NoPlatform platform;
  for (std::size_t i = 0; i < nr_costs; ++i) {
    Costs costs{};
    costs.cost[i] = 3;
    tlblab_account account{};
    core::Operation<NoPlatform> operation(platform, account, false);
    operation.count_request(std::bit_cast<lab_flush_cost>(costs), false);
    operation.count_request(std::bit_cast<lab_flush_cost>(costs), true);
    EXPECT_EQ(account.requests, 2U);
    EXPECT_EQ(account.forced, 1U);
    unsigned nr_terms = 0;
    for (const Term& term : kTerms) {
      if (account.*term.field != 6) continue;
      ++nr_terms;
      EXPECT_EQ(term.merge, Merge::kSumOrUnknown) << term.name;
      costs.cost[i] = TLBLAB_UNKNOWN;
      operation.count_request(std::bit_cast<lab_flush_cost>(costs), false);
      EXPECT_EQ(account.*term.field, TLBLAB_UNKNOWN) << term.name;
      costs.cost[i] = 3;
      operation.count_request(std::bit_cast<lab_flush_cost>(costs), false);
      EXPECT_EQ(account.*term.field, TLBLAB_UNKNOWN) << term.name;
    }
    EXPECT_EQ(nr_terms, 1U) << "cost " << i << " of lab_flush_cost belongs to one term";
  }
}

TEST(ValueCatalogue, MergesInTwoWaysThatTheModulesTotalsKnow) {
  for (const Term& term : kTerms) {
    EXPECT_TRUE(term.merge == Merge::kSum || term.merge == Merge::kSumOrUnknown)
        << term.name << ": kmod/linux/totals.c adds every term, unknown or not";
  }
}

TEST(ValueCatalogue, EveryGatherHasItsPage) {
  Names pages;
  for (const auto& page : std::filesystem::directory_iterator("docs/schemes")) {
    pages.insert(page.path().stem());
  }
  EXPECT_EQ(pages, names_of(kGathers));
  for (const Gather& gather : kGathers) {
    const std::string path = std::string("docs/schemes/") + gather.name + ".md";
    EXPECT_NE(text_of(path).find("\n# " + std::string(gather.name) + "\n"), std::string::npos);
  }
}

TEST(ValueCatalogue, EveryGatherIsInTheTableOfRequests) {
  EXPECT_EQ(first_column("docs/methods.md", "| gather | flush requests |"), names_of(kGathers));
  // The front page shows some of them.
  const Names shown = first_column("README.md", "| gather | flush requests |");
  EXPECT_FALSE(shown.empty());
  for (const std::string& name : shown) {
    const std::size_t colon = name.find(':');
    EXPECT_TRUE(names_of(kOperations).contains(name.substr(0, colon))) << name;
    EXPECT_TRUE(names_of(kGathers).contains(name.substr(colon + 1))) << name;
  }
}

TEST(ValueCatalogue, EveryTwinIsInTheTableOfTwins) {
  const std::string table = part_of(text_of("docs/methods.md"), "\n| scheme | twin |", "\n\n");
  std::string rows = "\n| scheme | twin |\n|---|---|\n";
  for (const Gather& gather : kGathers) {
    if (*gather.twin == '\0') continue;
    rows += "| `lab/unmap:" + std::string(gather.name) + "` | `" + gather.twin + "` |\n";
  }
  EXPECT_EQ(table.substr(0, rows.size()), rows);
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'),
            std::count(rows.begin(), rows.end(), '\n'))
      << "and a last row for the others";
}

TEST(ValueCatalogue, EveryFaultIsInTheTableOfFaults) {
  EXPECT_EQ(first_column("docs/correctness.md", "| fault |"), names_of(kFaults));
}

}  // namespace
}  // namespace tlblab::catalogue
