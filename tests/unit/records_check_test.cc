// SPDX-License-Identifier: GPL-2.0-only
// The record of a check: what is written is what is read, and what is damaged is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/unit/check_fixture.hh"
#include "user/analysis/check_analysis.hh"
#include "user/records/checked_cell.hh"
#include "user/records/study_file.hh"
#include "user/records/writer.hh"
#include "user/support/error.hh"

namespace tlblab::records {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class CheckRecords : public testing::Test {
 protected:
  CheckRecords() {
    std::string name = std::filesystem::temp_directory_path() / "tlblab-unit-XXXXXX";
    close(mkstemp(name.data()));
    path_ = name;
    std::filesystem::remove(path_);
  }
  ~CheckRecords() override { std::filesystem::remove(path_); }

  void write(const CheckFile& file) const {
    Writer::create(path_, encode(file.header));
    Writer writer(path_);
    for (const CheckedCell& cell : file.cells) {
      writer.add_line(encode(cell));
      writer.commit();
    }
  }

  std::string path_;
};

TEST_F(CheckRecords, RoundTrip) {
  const CheckFile made = fixture::leaking_check();
  write(made);
  const CheckFile read = read_check_file(path_);
  EXPECT_EQ(encode(read.header), encode(made.header));
  EXPECT_EQ(read.header.setting.shape.name(), "6x2+1");
  EXPECT_EQ(read.header.setting.nr_cells, 4U);
  EXPECT_TRUE(read.header.setting.write);
  ASSERT_EQ(read.cells.size(), made.cells.size());
  for (std::size_t i = 0; i < made.cells.size(); ++i) {
    EXPECT_EQ(encode(read.cells[i]), encode(made.cells[i])) << i;
  }
  EXPECT_EQ(read.cells[0].sought, Observation::kReleased);
  EXPECT_EQ(read.cells[0].nr_caught(), 100U);
  EXPECT_FALSE(read.cells[1].sought.has_value());
  EXPECT_EQ(read.cells[1].bad_reads.at(0).address, 0x7f0000001000U);
  EXPECT_EQ(read.cells[1].counts.witnesses.at(0).not_running, 6U);
  EXPECT_TRUE(read.warnings.empty());
}

TEST_F(CheckRecords, ADamagedRecordIsRefusedWithItsLine) {
  const CheckFile made = fixture::clean_check();
  for (const auto& [key, value] : {std::pair<const char*, json>{"load", "3 initiators"},
                                   {"record", "unchecked"},
                                   {"rounds", "many"},
                                   {"reads", json::object()},
                                   {"witnesses", 7},
                                   {"fault", {{"name", "no-flush"}}}}) {
    std::filesystem::remove(path_);
    Writer::create(path_, encode(made.header));
    json record = json::parse(encode(made.cells.at(0)));
    record[key] = value;
    {
      Writer writer(path_);
      writer.add_line(record.dump());
      writer.commit();
    }
    try {
      read_check_file(path_);
      ADD_FAILURE() << key;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("damaged at line 2")) << key;
    }
  }
}

TEST_F(CheckRecords, ATornLastLineIsLeftOut) {
  write(fixture::clean_check());
  std::ofstream(path_, std::ios::app | std::ios::binary)
      << Frame().add(R"({"record":"checked","sch)");
  const CheckFile read = read_check_file(path_);
  EXPECT_EQ(read.cells.size(), 4U);
  EXPECT_EQ(read.warnings.size(), 1U);
}

TEST_F(CheckRecords, IsNoStudy) {
  write(fixture::clean_check());
  EXPECT_EQ(kind_of(encode(fixture::clean_check().header), path_), FileKind::kCheck);
  StudyVisitor nobody;
  EXPECT_THROW(read_study_file(path_, nobody), Error);
  StudyHeader study;
  EXPECT_EQ(kind_of(encode(study), path_), FileKind::kStudy);
  EXPECT_THROW(decode_check_header(encode(study), path_), Error);
}

TEST_F(CheckRecords, WhatWasCutShortIsInconclusiveAtBest) {
  CheckFile file = fixture::clean_check();
  EXPECT_EQ(exit_status(analyse_check(file)), ExitStatus::kOk);
  file.cells.pop_back();
  CheckResult check = analyse_check(file);
  EXPECT_FALSE(is_complete(check));
  EXPECT_EQ(exit_status(check), ExitStatus::kInconclusive);
  EXPECT_THAT(check.warnings.back(), HasSubstr("3 of 4 cells"));

  file = fixture::leaking_check();
  file.cells.pop_back();
  EXPECT_EQ(exit_status(analyse_check(file)), ExitStatus::kViolation);

  file.cells = {fixture::faulty_cell("no-flush", Load::kOneInitiator, 0)};
  check = analyse_check(file);
  EXPECT_TRUE(is_complete(check)) << "it ends at the fault that escapes";
  EXPECT_EQ(exit_status(check), ExitStatus::kVoid);
}

}  // namespace
}  // namespace tlblab::records
