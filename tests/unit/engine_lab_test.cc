// SPDX-License-Identifier: GPL-2.0-only
// Engine `lab` as far as it needs no module: names, requests counted by hand, reasons in words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "include/tlblab/catalogue.hh"
#include "user/engine/lab/lab_engine.hh"
#include "user/engine/registry.hh"
#include "user/lab/lab_account.hh"
#include "user/lab/lab_device.hh"
#include "user/lab/lab_request.hh"
#include "user/lab/lab_scheme.hh"
#include "user/support/error.hh"
#include "user/support/page_size.hh"

namespace tlblab {
namespace {

using testing::HasSubstr;
using testing::Not;

/// As kmod/arch/x86 fills them in.
tlblab_capabilities x86_capabilities() {
  tlblab_capabilities can{};
  can.operations = catalogue::mask_of_all(catalogue::kOperations);
  can.gathers = catalogue::mask_of_all(catalogue::kGathers);
  can.extents = catalogue::mask_of_all(catalogue::kExtents);
  can.releases = catalogue::mask_of_all(catalogue::kReleases);
  can.mechanisms = catalogue::mask_of(TLBLAB_KERNEL_SHOOTDOWN);
  can.ceiling_pages = 33;
  return can;
}

/// As kmod/arch/arm64 does.
tlblab_capabilities arm64_capabilities() {
  tlblab_capabilities can = x86_capabilities();
  can.mechanisms =
      catalogue::mask_of(TLBLAB_TLBI_DSB_EACH) | catalogue::mask_of(TLBLAB_TLBI_DSB_ONCE);
  can.features = TLBLAB_HAS_BROADCAST;
  can.ceiling_pages = 512;
  return can;
}

const LabMachine kX86 = lab_machine(x86_capabilities());
const LabMachine kArm64 = lab_machine(arm64_capabilities());

Expectation expect(const char* name, const Shape& shape, const LabMachine& machine) {
  return expect_lab(*parse_lab_scheme(name), shape, machine);
}

std::uint64_t requests(const char* name, const Shape& shape, const LabMachine& machine = kX86) {
  return expect(name, shape, machine).requests.value();
}

std::string refusal(const char* name) {
  try {
    parse_lab_scheme(name);
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), ExitStatus::kUsage);
    EXPECT_THAT(error.advice(), HasSubstr("exact, batch=N, ceiling=N, dsb-each, no-repeat"))
        << name;
    return error.what();
  }
  ADD_FAILURE() << name << " was taken";
  return "";
}

TEST(LabSchemes, NamesSurviveParsing) {
  for (const char* text :
       {"unmap:per-page", "unmap:per-table,exact", "unmap:per-vma,batch=1", "unmap:full-mm",
        "unmap:merged,exact,batch=64,ceiling=8,dsb-each,no-repeat"}) {
    EXPECT_EQ(name(*parse_lab_scheme(text)), text);
  }
  EXPECT_EQ(name(*parse_lab_scheme("unmap:merged,dsb-each,ceiling=8,exact")),
            "unmap:merged,exact,ceiling=8,dsb-each")
      << "one name for one composition";
}

TEST(LabSchemes, OthersNamesAreNotOurs) {
  for (const char* text : {"", "unmap:", "unmap", "munmap:merged", "unmap:sideways", "merged",
                           "unmap:merged=1", " unmap:merged"}) {
    EXPECT_FALSE(parse_lab_scheme(text).has_value()) << text;
  }
}

TEST(LabSchemes, WrongParametersAreRefusedByName) {
  EXPECT_THAT(refusal("unmap:merged,"), HasSubstr("no parameter \"\""));
  EXPECT_THAT(refusal("unmap:merged,eager"), HasSubstr("\"eager\""));
  EXPECT_THAT(refusal("unmap:merged,batch"), HasSubstr("\"batch\""));
  EXPECT_THAT(refusal("unmap:merged,batch="), HasSubstr("\"batch=\" needs a count"));
  EXPECT_THAT(refusal("unmap:merged,batch=0"), HasSubstr("needs a count"));
  EXPECT_THAT(refusal("unmap:merged,batch=-1"), HasSubstr("needs a count"));
  EXPECT_THAT(refusal("unmap:merged,batch=4k"), HasSubstr("needs a count"));
  EXPECT_THAT(refusal("unmap:merged,ceiling=4294967296"), HasSubstr("needs a count"));
  EXPECT_THAT(refusal("unmap:merged,exact,exact"), HasSubstr("too often"));
  EXPECT_THAT(refusal("unmap:merged,batch=1,batch=2"), HasSubstr("too often"));
  EXPECT_THAT(refusal("unmap:merged,batch=1,batch=1"), HasSubstr("too often"));
  EXPECT_THAT(refusal("unmap:per-page,exact"), HasSubstr("no choice of extent"));
  EXPECT_THAT(refusal("unmap:full-mm,exact"), HasSubstr("no choice of extent"));
}

TEST(LabSchemes, ShortNamesAreUnambiguous) {
  EXPECT_EQ(parse_scheme("unmap:merged").full_name(), "lab/unmap:merged");
  EXPECT_EQ(parse_scheme("lab/unmap:merged,batch=8").full_name(), "lab/unmap:merged,batch=8");
  EXPECT_EQ(parse_scheme("munmap:merged").full_name(), "syscall/munmap:merged");
}

/// 16 VMAs of 4 pages with one page of gap: 64 pages in 79.
TEST(LabExpectations, HeadlineShapeByHand) {
  const Shape shape{16, 4, 1};
  EXPECT_EQ(requests("unmap:per-page", shape), 64U);
  EXPECT_EQ(requests("unmap:per-table", shape), 16U);
  EXPECT_EQ(requests("unmap:per-vma", shape), 16U);
  EXPECT_EQ(requests("unmap:merged", shape), 1U);
  EXPECT_EQ(requests("unmap:full-mm", shape), 1U);
  // 64 pages are past the ceiling of 33, so even the exact list becomes one flush of everything.
  EXPECT_EQ(requests("unmap:merged,exact", shape), 1U);
  EXPECT_EQ(requests("unmap:merged,exact", shape, kArm64), 1U) << "one request takes the list";
}

TEST(LabExpectations, BatchesCutRequests) {
  const Shape shape{16, 4, 1};
  EXPECT_EQ(requests("unmap:merged,batch=64", shape), 1U) << "as many as there are";
  EXPECT_EQ(requests("unmap:merged,batch=63", shape), 2U);
  EXPECT_EQ(requests("unmap:merged,batch=10", shape), 7U);
  EXPECT_EQ(requests("unmap:full-mm,batch=10", shape), 7U);
  EXPECT_EQ(requests("unmap:per-vma,batch=4", shape), 16U);
  EXPECT_EQ(requests("unmap:per-vma,batch=3", shape), 32U);
  EXPECT_EQ(requests("unmap:per-table,batch=3", shape), 32U);
  EXPECT_EQ(requests("unmap:per-page,batch=3", shape), 64U);
  EXPECT_EQ(expect("unmap:per-vma,batch=3", shape, kX86).account.at("forced"), 16U);
  EXPECT_EQ(expect("unmap:merged,batch=10", shape, kX86).account.at("forced"), 6U);
  EXPECT_EQ(expect("unmap:per-page,batch=3", shape, kX86).account.at("forced"), 0U);
}

/// 4 VMAs of 2 pages: 8 pages in 11, all of it below the ceiling.
TEST(LabExpectations, ExactIsARequestPerIntervalOnX86) {
  const Shape shape{4, 2, 1};
  EXPECT_EQ(requests("unmap:merged,exact", shape), 4U);
  EXPECT_EQ(requests("unmap:per-vma,exact", shape), 4U);
  // Batches of 3: pages 0-2 lie in two VMAs, 3-5 in two, 6-7 in one.
  EXPECT_EQ(requests("unmap:merged,exact,batch=3", shape), 5U);
  EXPECT_EQ(requests("unmap:merged,exact,batch=3", shape, kArm64), 3U);
  EXPECT_EQ(requests("unmap:merged,exact", shape, kArm64), 1U);
}

TEST(LabExpectations, PastTheCeilingTheWholeMmIsFlushed) {
  const Shape shape{4, 2, 1};
  const auto inside = [&](const char* name) { return expect(name, shape, kX86).account; };
  EXPECT_EQ(inside("unmap:merged").at("full"), 0U);
  EXPECT_EQ(inside("unmap:merged").at("flushed_pages"), 11U);
  EXPECT_EQ(inside("unmap:merged,ceiling=11").at("full"), 0U);
  EXPECT_EQ(inside("unmap:merged,ceiling=10").at("full"), 1U);
  EXPECT_EQ(inside("unmap:merged,ceiling=10").at("flushed_pages"), 0U);
  EXPECT_EQ(inside("unmap:merged,exact,ceiling=8").at("requests"), 4U);
  EXPECT_EQ(inside("unmap:merged,exact,ceiling=8").at("flushed_pages"), 8U);
  EXPECT_EQ(inside("unmap:merged,exact,ceiling=7").at("requests"), 1U);
  EXPECT_EQ(inside("unmap:full-mm").at("full"), 1U);
  EXPECT_EQ(expect("unmap:merged,ceiling=1000", {16, 4, 1}, kX86).account.at("full"), 1U)
      << "the kernel's own ceiling is the lower one";
}

TEST(LabExpectations, TheRestOfTheAccountFollowsFromTheShape) {
  // Half a table each and a little more, whatever the size of a table.
  const auto pages = static_cast<unsigned>(pages_per_table() / 2 + 44);
  const Account inside = expect("unmap:per-table", {3, pages, 1}, kX86).account;
  EXPECT_EQ(inside.at("vmas"), 3U);
  EXPECT_EQ(inside.at("tables"), 4U) << "the middle VMA crosses into the next table";
  EXPECT_EQ(inside.at("requests"), 4U);
  EXPECT_EQ(inside.at("cleared"), 3 * pages);
  EXPECT_EQ(inside.at("released"), 3 * pages);
  EXPECT_EQ(inside.at("empty"), 0U);
  EXPECT_FALSE(inside.contains("dsb_ish")) << "x86 has none";
}

TEST(LabExpectations, OneDsbARequestUnlessEachWasAskedFor) {
  const Shape shape{16, 4, 1};
  const auto inside = [&](const char* name) { return expect(name, shape, kArm64).account; };
  EXPECT_EQ(inside("unmap:per-vma").at("tlbi"), 64U);
  EXPECT_EQ(inside("unmap:per-vma").at("dsb_ish"), 16U);
  EXPECT_EQ(inside("unmap:per-vma,dsb-each").at("dsb_ish"), 64U);
  EXPECT_EQ(inside("unmap:per-vma,dsb-each").at("dsb_ishst"), 16U);
  EXPECT_EQ(inside("unmap:merged").at("tlbi"), 79U) << "the envelope, gaps included";
  EXPECT_EQ(inside("unmap:merged,exact").at("tlbi"), 64U);
  EXPECT_EQ(inside("unmap:merged,exact").at("dsb_ish"), 1U);
  EXPECT_EQ(inside("unmap:full-mm,dsb-each").at("tlbi"), 1U) << "one TLBI for the address space";
}

TEST(LabExpectations, PagesOfOneRequest) {
  EXPECT_EQ(expect("unmap:per-page", {16, 4, 1}, kX86).extent_pages, 1U);
  EXPECT_EQ(expect("unmap:per-vma", {16, 4, 1}, kX86).extent_pages, 4U);
  EXPECT_EQ(expect("unmap:merged", {16, 4, 1}, kX86).extent_pages, 79U);
  EXPECT_EQ(expect("unmap:merged,exact", {4, 2, 1}, kX86).extent_pages, 2U);
  EXPECT_EQ(expect("unmap:merged,exact", {4, 2, 1}, kArm64).extent_pages, 8U);
  EXPECT_FALSE(expect("unmap:full-mm", {16, 4, 1}, kX86).extent_pages.has_value());
  EXPECT_FALSE(expect("unmap:merged,batch=3", {4, 2, 1}, kX86).extent_pages.has_value());
}

/// Without the module the ceiling is unknown; what depends on it is then not claimed.
TEST(LabExpectations, AnUnknownCeilingClaimsNothing) {
  LabMachine nobody_asked = kX86;
  nobody_asked.ceiling_pages = 0;
  EXPECT_EQ(requests("unmap:merged", {4, 2, 1}, nobody_asked), 1U);
  EXPECT_FALSE(expect("unmap:merged", {4, 2, 1}, nobody_asked).account.contains("full"));
  EXPECT_FALSE(expect("unmap:merged,exact", {4, 2, 1}, nobody_asked).requests.has_value());
}

TEST(LabTwins, AreThoseThatTheStockKernelCanShow) {
  const auto twin = [](const char* text) {
    return LabScheme(*parse_lab_scheme(text), kX86, "").twin();
  };
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    const std::string of_row = twin((std::string("unmap:") + gather.name).c_str());
    EXPECT_EQ(of_row, gather.twin);
    if (!of_row.empty()) {
      EXPECT_EQ(parse_scheme(of_row).full_name(), of_row) << "there is such one";
    }
  }
  EXPECT_EQ(twin("unmap:per-vma"), "syscall/munmap:per-vma");
  EXPECT_EQ(twin("unmap:merged"), "syscall/munmap:merged");
  for (const char* text : {"unmap:per-page", "unmap:per-table", "unmap:full-mm",
                           "unmap:merged,exact", "unmap:per-vma,batch=8"}) {
    EXPECT_EQ(twin(text), "") << text;
  }
}

LabEvidence missing() {
  LabEvidence evidence;
  evidence.open_error = ENOENT;
  evidence.headers = true;
  evidence.kernel = "9.9.9-test";
  return evidence;
}

TEST(LabProblems, SayWhatToDo) {
  EXPECT_THAT(lab_problem(missing()), HasSubstr("insmod"));
  EXPECT_THAT(lab_problem(missing()), Not(HasSubstr("headers")));

  LabEvidence no_headers = missing();
  no_headers.headers = false;
  EXPECT_THAT(lab_problem(no_headers), HasSubstr("linux-headers-9.9.9-test"));

  LabEvidence locked = missing();
  locked.unsigned_refused = "this kernel is locked down (integrity)";
  locked.how_to_be_taken = "sign it";
  EXPECT_THAT(lab_problem(locked), HasSubstr("locked down (integrity): sign it"));

  LabEvidence no_device = missing();
  no_device.module_loaded = true;
  EXPECT_THAT(lab_problem(no_device), HasSubstr("devtmpfs"));

  LabEvidence forbidden;
  forbidden.open_error = EACCES;
  EXPECT_THAT(lab_problem(forbidden), HasSubstr("root"));
}

TEST(LabProblems, AnotherAbiIsToldApart) {
  LabEvidence other;
  other.abi_version = TLBLAB_ABI_VERSION + 1;
  EXPECT_THAT(lab_problem(other), HasSubstr("speaks ABI 3, this tlblab 2: rebuild both"));
  other.query_error = ENOTTY;
  EXPECT_THAT(lab_problem(other), HasSubstr("does not answer"));
  LabEvidence good;
  good.abi_version = TLBLAB_ABI_VERSION;
  EXPECT_EQ(lab_problem(good), "");
}

TEST(LabProblems, PagesOfAnotherSizeAreRefused) {
  tlblab_capabilities can{};
  can.page_bytes = 16384;
  can.entries_per_table = 2048;
  EXPECT_EQ(page_problem(can, 16384, 2048), "");
  EXPECT_THAT(
      page_problem(can, 4096, 512),
      HasSubstr("pages of 16384 bytes and tables of 2048 entries, this tlblab pages of 4096"));
  can.entries_per_table = 512;
  EXPECT_THAT(page_problem(can, 16384, 2048), HasSubstr("tables of 512 entries"));
}

TEST(LabEngine, WithoutTheModuleEverySchemeSaysWhy) {
  const LabEngine engine;
  for (const SchemeInfo& scheme : engine.schemes()) {
    if (scheme.unavailable.empty()) GTEST_SKIP() << "the module is loaded";
    try {
      find_scheme(scheme.name);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), ExitStatus::kMachine);
      EXPECT_THAT(error.what(), HasSubstr(scheme.unavailable));
    }
  }
}

TEST(LabMachines, EachFactHasItsOwnSource) {
  EXPECT_TRUE(kX86.names_targets && kX86.one_interval_per_request && !kX86.counts_barriers);
  EXPECT_TRUE(!kArm64.names_targets && !kArm64.one_interval_per_request && kArm64.counts_barriers);
  tlblab_capabilities can = x86_capabilities();
  can.features = TLBLAB_HAS_BROADCAST;  // in hardware, but by the kernel's function
  const LabMachine machine = lab_machine(can);
  EXPECT_FALSE(machine.names_targets);
  EXPECT_TRUE(machine.one_interval_per_request);
  EXPECT_FALSE(machine.counts_barriers);
}

TEST(LabRequests, TakeTheirMechanismFromTheMask) {
  const LabComposition once = *parse_lab_scheme("unmap:merged");
  const LabComposition each = *parse_lab_scheme("unmap:merged,dsb-each");
  EXPECT_EQ(lab_request(once, x86_capabilities()).mechanism, TLBLAB_KERNEL_SHOOTDOWN);
  EXPECT_EQ(lab_request(once, arm64_capabilities()).mechanism, TLBLAB_TLBI_DSB_ONCE);
  EXPECT_EQ(lab_request(each, arm64_capabilities()).mechanism, TLBLAB_TLBI_DSB_EACH);
  EXPECT_EQ(lab_refusal(once, x86_capabilities()), "");
  EXPECT_EQ(lab_refusal(each, arm64_capabilities()), "");
  EXPECT_THAT(lab_refusal(each, x86_capabilities()), HasSubstr("dsb-each is for arm64"));
  tlblab_capabilities without_each = arm64_capabilities();
  without_each.mechanisms = catalogue::mask_of(TLBLAB_TLBI_DSB_ONCE);
  EXPECT_EQ(lab_refusal(once, without_each), "");
  EXPECT_NE(lab_refusal(each, without_each), "");
}

TEST(LabAccount, HoldsOnlyWhatWasCounted) {
  tlblab_account from{};
  from.requests = 3;
  from.targets = TLBLAB_UNKNOWN;
  from.tlbi = 11;
  from.clear_ns = 5;
  const Account arm64 = account_of(from, true, 0);
  EXPECT_EQ(arm64.at("requests"), 3U);
  EXPECT_EQ(arm64.at("tlbi"), 11U);
  EXPECT_FALSE(arm64.contains("targets")) << "unknown, never zero";
  EXPECT_FALSE(arm64.contains("clear_ns")) << "not asked for";
  from.targets = 6;
  const Account x86 = account_of(from, false, TLBLAB_TIME_PHASES);
  EXPECT_EQ(x86.at("targets"), 6U);
  EXPECT_EQ(x86.at("clear_ns"), 5U);
  EXPECT_FALSE(x86.contains("tlbi")) << "there are none on x86";
}

TEST(LabDescription, SaysWhenTheBooksDoNotBalance) {
  tlblab_capabilities can{};
  can.abi_version = 1;
  can.gathers = 1U << TLBLAB_MERGED | 1U << 9;
  tlblab_totals totals{};
  totals.frames_taken = 5;
  totals.frames_in_use = 5;
  const auto text = [&] {
    std::string all;
    for (const auto& [fact, value] : describe_lab(can, totals)) all += fact + ": " + value + "\n";
    return all;
  };
  EXPECT_THAT(text(), HasSubstr("gathers: merged, unknown to this tlblab (9)"));
  EXPECT_THAT(text(), Not(HasSubstr("BALANCE")));
  totals.frames_in_use = 4;
  EXPECT_THAT(text(), HasSubstr("BALANCE"));
}

}  // namespace
}  // namespace tlblab
