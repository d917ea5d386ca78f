// SPDX-License-Identifier: GPL-2.0-only
// The account of made-up counts: each term where it belongs, and each contradiction planted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/report_fixture.hh"
#include "user/analysis/account_check.hh"
#include "user/analysis/deliveries.hh"
#include "user/report/document/account.hh"
#include "user/report/document/answer.hh"
#include "user/report/document/tables.hh"

namespace tlblab::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr unsigned kResponders = 3;

/// 16 requests against 1, on a machine whose calls are counted by function.
CellResult counted_cell(unsigned nr_responders = kResponders) {
  CellResult cell = fixture::invented_cell("syscall/munmap:per-vma", "syscall/munmap:merged",
                                           {16, 4, 1}, nr_responders, 1);
  cell.shootdown.by_hypervisor = false;
  for (ArmResult* arm : {&cell.a, &cell.b}) fixture::add_calls(*arm, nr_responders);
  return cell;
}

std::string value_of(const CellResult& cell, const std::string& term) {
  for (const AccountLine& line : account(cell)) {
    if (line.term == term) return line.a + " / " + line.b;
  }
  return "no such line";
}

std::vector<std::string> terms_of(const CellResult& cell) {
  std::vector<std::string> terms;
  for (const AccountLine& line : account(cell)) terms.push_back(line.term);
  return terms;
}

void set(ArmResult& arm, CountMeans ArmResult::*side, const char* event, std::uint64_t count) {
  (arm.*side)[event] = {static_cast<double>(count), count, count, 64};
}

TEST(ReportAccount, ClosesByFunctionAndTarget) {
  const CellResult cell = counted_cell();
  EXPECT_EQ(value_of(cell, "targeted"), "48 / 3");
  EXPECT_EQ(value_of(cell, "skipped: lazy, or another address space loaded"), "1 / 1");
  EXPECT_EQ(value_of(cell, "queued for responders"), "47 / 2");
  EXPECT_EQ(
      value_of(cell,
               "queued for others: left in the mask, trimmed once a second, freed tables, ASID"),
      "5 / 5");
  EXPECT_EQ(value_of(cell, "sent to responders"), "48 / 3");
  EXPECT_EQ(value_of(cell, "coalesced with one under way, or told while polling in idle"), "1 / 1");
  EXPECT_EQ(value_of(cell, "handled, interrupts"), "49 / 4");
  EXPECT_EQ(value_of(cell, "handled, flush functions run"), "48 / 3");
  EXPECT_EQ(value_of(cell, "flush functions run for others"), "1 / 1");
  EXPECT_EQ(value_of(cell, "handled on the wrong CPU"), "1 / 1");
  EXPECT_EQ(value_of(cell, "skipped by generation, or lazy on arrival"), "2 / 2");
  EXPECT_EQ(value_of(cell, "table-free synchronisations, run for others"), "0 / 0");
  EXPECT_EQ(value_of(cell, "other functions run"), "7 / 7");
  EXPECT_EQ(value_of(cell, "our own readings of their counters"), "3 / 3");
  EXPECT_EQ(account_verdict(cell).text, "adds up");
  EXPECT_EQ(contradiction_outside(cell), "");
}

TEST(ReportAccount, HasEachTermOnce) {
  for (const CellResult& cell : {counted_cell(), counted_cell(0)}) {
    const std::vector<std::string> terms = terms_of(cell);
    EXPECT_EQ(std::set<std::string>(terms.begin(), terms.end()).size(), terms.size());
    EXPECT_THAT(terms, Not(testing::Contains("not sent: lazy CPU, or left to the hypervisor")));
    EXPECT_THAT(terms, Not(testing::Contains("sent, to one CPU")));
  }
}

// Each count is planted so that one identity can't hold; nothing else may hide it.
TEST(ReportAccount, WhatCannotBeIsAContradiction) {
  struct Fault {
    const char* event;
    std::uint64_t count;
    const char* term;
  };
  for (const Fault& fault :
       {Fault{"csd_entry.flush", 46, "flush functions run for others"},
        Fault{"ipi_send_cpu", 49, "coalesced"},
        Fault{"tlb_flush.remote_wrong_cpu", 4, "skipped by generation"},
        Fault{"csd_entry.table_sync", 1, "synchronisations, run for others"},
        Fault{"csd_entry", 49, "other functions"}, Fault{"csd_queue.flush", 49, ""}}) {
    CellResult cell = counted_cell();
    set(cell.a, &ArmResult::responder_counts, fault.event, fault.count);
    EXPECT_THAT(account_verdict(cell).text, HasSubstr("contradiction")) << fault.event;
    EXPECT_THAT(contradiction_outside(cell), HasSubstr(fault.term)) << fault.event;
    EXPECT_NE(contradiction_outside(cell), "") << fault.event;
  }
  CellResult cell = counted_cell();
  set(cell.b, &ArmResult::initiator_counts, "csd_queue.flush", 1);
  EXPECT_THAT(contradiction_outside(cell), HasSubstr("queued for others"));
}

TEST(ReportAccount, MeansOfDifferentTrialsContradictNothing) {
  CellResult cell = counted_cell();
  cell.a.responder_counts["csd_entry.flush"] = {46, 46, 46, 63};
  EXPECT_EQ(contradiction_outside(cell), "");
}

TEST(ReportAccount, TheHypervisorIsNamedWhereThereIsOne) {
  CellResult cell = counted_cell();
  cell.shootdown.by_hypervisor = true;
  EXPECT_EQ(
      value_of(cell, "skipped: lazy, or another address space loaded, or left to the hypervisor"),
      "1 / 1");
  cell.shootdown.by_hypervisor.reset();
  EXPECT_EQ(value_of(cell,
                     "skipped: lazy, or another address space loaded, or left to a hypervisor, if "
                     "there is one"),
            "1 / 1");
}

TEST(ReportAccount, AKernelThatKnowsNoWrongCpuSaysSo) {
  CellResult cell = counted_cell();
  for (ArmResult* arm : {&cell.a, &cell.b}) {
    arm->responder_counts.erase("tlb_flush.remote_wrong_cpu");
  }
  EXPECT_EQ(value_of(cell, "skipped by generation, or lazy on arrival, or on the wrong CPU"),
            "3 / 3");
}

// Linux before the tracepoints of function calls: what can be had is kept.
TEST(ReportAccount, OldKernelsKeepTheirTerms) {
  CellResult cell = counted_cell();
  for (ArmResult* arm : {&cell.a, &cell.b}) {
    for (CountMeans* counts : {&arm->initiator_counts, &arm->responder_counts}) {
      std::erase_if(*counts, [](const auto& count) { return count.first.starts_with("csd_"); });
    }
    set(*arm, &ArmResult::initiator_counts, "ipi_send_cpu", *arm->expected_requests);
    arm->responder_counts["TLB"] = arm->responder_counts["call_function_single_entry"];
  }
  EXPECT_EQ(value_of(cell, "not sent: lazy CPU, or left to the hypervisor"), "0 / 0");
  EXPECT_EQ(value_of(cell, "coalesced with one under way"), "0 / 0");
  EXPECT_EQ(value_of(cell, "skipped by generation"), "3 / 3");
  for (ArmResult* arm : {&cell.a, &cell.b}) {  // before 6.6, sends are not known by target
    arm->responder_counts.erase("ipi_send_cpu");
    arm->responder_counts.erase("ipi_send_cpumask");
  }
  EXPECT_EQ(value_of(cell, "coalesced with one under way"), "unknown / unknown");
  cell.plan.nr_responders = 1;
  EXPECT_EQ(value_of(cell, "coalesced with one under way"), "32 / 2");
}

TEST(ReportAccount, AProbeSeesRequestsThatNoTracepointDoes) {
  CellResult cell = counted_cell();
  set(cell.a, &ArmResult::initiator_counts, "request.mm_range", 16);
  set(cell.a, &ArmResult::initiator_counts, "tlb_flush.local_mm", 4);
  set(cell.a, &ArmResult::initiator_counts, "tlb_flush.remote_send", 16);
  const char* unseen = "of these, seen by no tracepoint: served without an interrupt (INVLPGB)";
  EXPECT_EQ(value_of(cell, unseen), "12 / unknown");
  EXPECT_TRUE(requests_agree(cell.a, {})) << "the probe's number is the one that must be due";
  EXPECT_EQ(most_targets(cell.a, kResponders), 48U);
  EXPECT_THAT(answer_sentence([&] {
                StudyResult study = fixture::emulated();
                study.cells = {cell};
                return study;
              }()),
              HasSubstr("12.0 of A's flush requests per call were served without an interrupt"));
  set(cell.a, &ArmResult::initiator_counts, "request.mm_range", 15);
  EXPECT_FALSE(requests_agree(cell.a, {}));
  set(cell.a, &ArmResult::initiator_counts, "request.mm_range", 3);
  EXPECT_THAT(contradiction_outside(cell), HasSubstr("flush requests"));
}

// Without a probe, on a CPU with INVLPGB, requests that no tracepoint saw are no contradiction.
TEST(ReportAccount, BroadcastHidesRequestsFromTracepoints) {
  CellResult cell = counted_cell();
  set(cell.a, &ArmResult::initiator_counts, "tlb_flush.local_mm", 0);
  Shootdown broadcast;
  EXPECT_FALSE(requests_agree(cell.a, broadcast));
  broadcast.by_broadcast = true;
  EXPECT_TRUE(requests_agree(cell.a, broadcast));
  set(cell.a, &ArmResult::initiator_counts, "tlb_flush.local_mm", 17);
  EXPECT_FALSE(requests_agree(cell.a, broadcast));
}

TEST(Shootdown, IsReadFromTheMachinesFacts) {
  const auto of = [](const char* hypervisor, const char* invlpgb) {
    Machine machine;
    machine.flushing = {{"remote flush by the hypervisor", hypervisor, "made up"},
                        {"INVLPGB", invlpgb, "made up"}};
    return shootdown_of(machine);
  };
  EXPECT_EQ(of("no: no hypervisor seen", "").by_hypervisor, false);
  EXPECT_EQ(of("yes: KVM's, for CPUs that are preempted", "").by_hypervisor, true);
  EXPECT_EQ(of("unknown: what is this", "").by_hypervisor, std::nullopt);
  EXPECT_EQ(shootdown_of({}).by_hypervisor, std::nullopt);
  EXPECT_FALSE(shootdown_of({}).by_broadcast);
  EXPECT_FALSE(of("", "not possible: the CPU does not offer it").by_broadcast);
  EXPECT_TRUE(of("", "possible: for reclaim at once, and so on").by_broadcast);
  EXPECT_TRUE(of("", "unknown: the CPU offers it").by_broadcast);
}

TEST(Shootdown, IsReadFromEarlierFiles) {
  Machine machine;
  machine.tlb = {{"remote flush by the hypervisor", "possible: KVM offers it"}, {"INVLPGB", "no"}};
  EXPECT_EQ(shootdown_of(machine).by_hypervisor, true);
  EXPECT_FALSE(shootdown_of(machine).by_broadcast);
  machine.tlb = {{"INVLPGB", "offered by the CPU, not used by this kernel"}};
  EXPECT_TRUE(shootdown_of(machine).by_broadcast);
}

}  // namespace
}  // namespace tlblab::report
