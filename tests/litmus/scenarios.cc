// SPDX-License-Identifier: GPL-2.0-only
#include "tests/litmus/scenarios.hh"

#include <tlblab/catalogue.hh>

#include "kmod/core/credit.hh"
#include "kmod/core/operation/perform.hh"
#include "kmod/core/safety/leftovers.hh"
#include "tests/explore/protocols/nesting.hh"
#include "tests/explore/protocols/pending.hh"
#include "tests/litmus/platform.hh"

namespace tlblab::litmus {

namespace {

// --- CPUs that use pages through what they have of them

/// Reads the page. The violation is that it finds what the frame's next owner wrote, or, if it may
/// read nothing at all, either that or the old data.
void add_reader(Test& test, u32 cpu, u32 page, bool may_read_old) {
  Column& column = test.column(cpu);
  const u32 seen = column.fresh();
  column.emit("L" + std::to_string(cpu) + ":");
  column.emit("LDR " + w(seen) + "," + at(column.holding(page_name(page))));
  test.violation(cpu, seen, kNextOwnersData);
  if (!may_read_old) test.violation(cpu, seen, kOldData);
}

/// Writes the page: see Platform::look_at_released() for the violation.
void add_writer(Test& test, u32 cpu, u32 page) {
  Column& column = test.column(cpu);
  const u32 data = column.constant(kStaleData);
  column.emit("L" + std::to_string(cpu) + ":");
  column.emit("STR " + w(data) + "," + at(column.holding(page_name(page))));
}

// --- The operation

struct Unmapping {
  u32 gather = TLBLAB_MERGED;
  bool complete_each = false;
  u32 nr_pages = 1;
  u64 batch_pages = 0;
  bool writer = false;  ///< CPU 1 writes, else it reads
  u32 changes = kUnchanged;
  u32 fault = 0;
};

/// lab_core_perform() of all pages, each in a VMA of its own, as the module's core.cc calls it.
void perform(Test& test, Platform& platform, const Unmapping& how) {
  platform.complete_each(how.complete_each);
  tlblab_request request = {};
  request.operation = TLBLAB_UNMAP;
  request.gather = how.gather;
  // With a DSB for each page, none for those in the gap.
  request.extent = how.complete_each ? TLBLAB_EXACT : TLBLAB_ENVELOPE;
  request.release = TLBLAB_STRICT;
  request.batch_pages = how.batch_pages;
  request.fault = how.fault;
  int vmas[kMaxPages] = {};
  lab_piece pieces[kMaxPages] = {};
  for (u32 page = 0; page < kMaxPages; ++page) {
    const lab_interval at = Platform::interval(page);
    pieces[page] = {at.start, at.end, &vmas[page]};
  }
  lab_interval intervals[kMaxPages] = {};
  void* frames[kMaxPages] = {};
  const lab_plan plan = {.request = &request,
                         .pieces = pieces,
                         .nr_pieces = test.nr_pages(),
                         .page_shift = kPageShift,
                         .entries_per_table = kEntriesPerTable,
                         .ceiling_pages = kMaxPages * kEntriesPerTable,
                         .max_frames = kMaxPages,
                         .intervals = intervals,
                         .frames = frames};
  tlblab_account account = {};
  if (core::perform(platform, plan, account) != 0 || account.released != test.nr_pages()) {
    give_up("the core did not unmap the pages");
  }
}

/// The operation on CPU 0; CPU 1 uses the first page, CPU 2 the second one.
Test unmap(const Unmapping& how) {
  Test test(1 + how.nr_pages, how.nr_pages);
  Platform platform(test, 0, how.changes);
  perform(test, platform, how);
  if (how.writer) platform.look_at_released();
  for (u32 page = 0; page < how.nr_pages; ++page) {
    if (how.writer) {
      add_writer(test, 1 + page, page);
    } else {
      add_reader(test, 1 + page, page, true);
    }
  }
  return test;
}

/// CPU 0 says that the operation has returned; CPU 1 hears of it, and reads the page.
Test unmap_and_return(const Unmapping& how) {
  Test test(2, 1);
  Word returned = {"returned"};
  Platform platform(test, 0, how.changes);
  perform(test, platform, how);
  platform.store(returned, 1, Order::kRelease);
  Platform reader(test, 1);
  reader.finds(1);
  reader.load(returned, Order::kAcquire);
  add_reader(test, 1, 0, false);
  return test;
}

class List {
 public:
  /// A sound test; what is added next spoils it.
  void never(const std::string& name, const std::string& about, const std::string& from,
             std::function<Test()> write) {
    sound_ = name;
    all_.push_back({name, Verdict::kNever, "", about, from, std::move(write)});
  }
  void sometimes(const std::string& name, const std::string& about, const std::string& from,
                 std::function<Test()> write) {
    all_.push_back({name, Verdict::kSometimes, sound_, about, from, std::move(write)});
  }

  void never(const std::string& name, const std::string& about, const Unmapping& how,
             Test (*write)(const Unmapping&) = unmap) {
    never(name, about, kCore, [how, write] { return write(how); });
  }
  void sometimes(const std::string& name, const std::string& about, const Unmapping& how,
                 Test (*write)(const Unmapping&) = unmap) {
    sometimes(name, about, how.fault != 0 ? kFaults : kCore, [how, write] { return write(how); });
  }

  std::vector<Scenario> take() { return std::move(all_); }

 private:
  static constexpr const char* kCore = "gather.hh and broadcast.hh, through perform()";
  static constexpr const char* kFaults = "faults.hh around the platform, through perform()";

  std::string sound_;
  std::vector<Scenario> all_;
};

/// One page, and each thing that can be wrong with it.
void add_one_page(List& list) {
  list.never("strict-read", "one page, unmapped; CPU 1 reads", {});
  list.sometimes("no-flush", "no flush at all", {.fault = TLBLAB_NO_FLUSH});
  list.sometimes("release-first", "the frame is released before the flush",
                 {.fault = TLBLAB_RELEASE_FIRST});
  list.sometimes("flush-early", "everything is flushed before the entry is emptied",
                 {.fault = TLBLAB_EARLY_FULL_FLUSH});
  list.sometimes("no-dsb-ishst", "walkers may see the entry when the TLBI is done",
                 {.changes = kOmitPublish});
  list.sometimes("no-tlbi", "the barriers alone", {.changes = kOmitTlbi});
  list.sometimes("no-final-dsb", "the TLBI is not waited for", {.changes = kOmitCompletion});
  list.sometimes("local-tlbi", "the TLBI is for CPU 0 alone", {.changes = kLocal});

  list.never("strict-write", "one page, unmapped; CPU 1 writes", {.writer = true});
  list.sometimes("release-first-write", "the frame is released before the flush",
                 {.writer = true, .fault = TLBLAB_RELEASE_FIRST});
  list.sometimes("no-final-dsb-write", "the TLBI is not waited for",
                 {.writer = true, .changes = kOmitCompletion});

  list.never("strict-return", "nor does CPU 1 read the old frame when the unmap has returned", {},
             unmap_and_return);
  list.sometimes("no-final-dsb-return", "the TLBI is not waited for", {.changes = kOmitCompletion},
                 unmap_and_return);

  list.never("repeated", "TLBI and DSB once more, as for erratum 4118414: it does no harm",
             {.changes = kRepeatTlbi});
  list.sometimes("repeated-no-dsb-ishst", "the same without the first barrier",
                 {.changes = kRepeatTlbi | kOmitPublish});
}

/// Two pages in two VMAs and tables, each used by a CPU of its own.
void add_two_pages(List& list, const std::string& name, const std::string& about, Unmapping how) {
  how.nr_pages = 2;
  list.never(name + "-read", about, how);
  how.changes = kOmitPublish;
  list.sometimes(name + "-no-dsb-ishst", "walkers may see the entries", how);
  how.changes = kOmitCompletion;
  list.sometimes(name + "-no-final-dsb", "the TLBIs are not waited for", how);
  how.changes = kUnchanged;
  how.writer = true;
  list.never(name + "-write", about + "; the CPUs write", how);
  how.changes = kOmitCompletion;
  list.sometimes(name + "-write-no-final-dsb", "the TLBIs are not waited for", how);
}

void add_unmaps(List& list) {
  add_one_page(list);
  for (const catalogue::Gather& gather : catalogue::kGathers) {
    add_two_pages(list, gather.name, std::string("two pages: ") + gather.summary,
                  {.gather = gather.value});
  }
  add_two_pages(list, "merged-each", "two pages, one flush, a DSB ISH after each TLBI",
                {.complete_each = true});
  add_two_pages(list, "merged-batch", "two pages, in batches of one", {.batch_pages = 1});
  list.never("merged-both", "two pages, one flush", {.nr_pages = 2});
  list.sometimes("merged-last-page", "the second page is left out",
                 {.nr_pages = 2, .changes = kOmitLastPage});
}

// --- Credit for flushes (credit.hh)

/// CPU 1 flushes on behalf of CPU 0, which made change 1, and releases the frame; CPU 2 reads.
Test flush_on_behalf(u32 changes) {
  Test test(3, 1);
  Word changed = {"changed"};
  Word settled;
  {
    Platform platform(test, 0, changes & kWithoutLse);
    core::Credit credit(platform, changed, settled);
    platform.clear(0);
    platform.finds(0);
    credit.change();
  }
  Platform platform(test, 1, changes);
  core::Credit credit(platform, changed, settled);
  platform.finds(1);
  if (!credit.need(1, [&] { platform.flush_mm(); })) give_up("CPU 1 did not flush");
  platform.release(0);
  add_reader(test, 2, 0, true);
  return test;
}

/// CPU 1 unmaps and flushes; CPU 0 finds that settled, does not flush and releases; CPU 2 reads.
Test flush_made_by_another(u32 initiators, u32 others) {
  Test test(3, 1);
  Word changed;
  Word settled = {"settled"};
  {
    Platform platform(test, 1, initiators);
    core::Credit credit(platform, changed, settled);
    platform.clear(0);
    const u64 change = credit.change();
    const lab_interval interval = Platform::interval(0);
    lab_flush request = {};
    request.intervals = &interval;
    request.nr_intervals = 1;
    request.stride_shift = kPageShift;
    platform.flush(request);
    platform.finds(0);
    credit.flushed_range(change);
  }
  Platform platform(test, 0, others);
  core::Credit credit(platform, changed, settled);
  platform.finds(1);
  if (credit.need(1, [] {})) give_up("CPU 0 flushed");
  platform.release(0);
  add_reader(test, 2, 0, true);
  return test;
}

void add_credit(List& list) {
  const char* const from = "credit.hh";
  const auto on_behalf = [](u32 changes) { return [=] { return flush_on_behalf(changes); }; };
  list.never("credit", "CPU 1 flushes what CPU 0 emptied, and learnt of it by an atomic", from,
             on_behalf(kUnchanged));
  list.sometimes("credit-by-load", "CPU 1 learnt of it by a load with acquire",
                 "credit.hh before herd7 looked at it", on_behalf(kLoadForAdd));
  list.sometimes("credit-by-load-dmb", "and has a DMB ISH before its flush", from,
                 on_behalf(kLoadForAdd | kFenceFirst));
  list.sometimes("credit-no-dsb-ishst", "the atomic, but no DSB ISHST", from,
                 on_behalf(kOmitPublish));
  list.never("credit-by-load-dsb-ish", "a load will do if the flush begins with DSB ISH", from,
             on_behalf(kLoadForAdd | kPublishAll));
  list.sometimes("credit-by-load-no-dsb", "that is what the DSB ISH does", from,
                 on_behalf(kLoadForAdd | kOmitPublish));
  list.never("credit-without-lse", "as credit, atomics as LDXR, STLXR, DMB ISH", from,
             on_behalf(kWithoutLse));
  list.sometimes("credit-without-lse-by-load", "CPU 1 learnt of it by a load with acquire", from,
                 on_behalf(kWithoutLse | kLoadForAdd));

  const auto made = [](u32 initiators, u32 others) {
    return [=] { return flush_made_by_another(initiators, others); };
  };
  list.never("credit-settled", "CPU 0 finds change 1 settled by CPU 1, and does not flush", from,
             made(kUnchanged, kUnchanged));
  list.sometimes("credit-settled-relaxed", "CPU 0 reads `settled` without acquire", from,
                 made(kUnchanged, kWeakAcquire));
  list.sometimes("credit-settled-early", "CPU 1 does not wait for its TLBI", from,
                 made(kOmitCompletion, kUnchanged));
}

// --- What operations may have left in TLBs (leftovers.hh)

/// CPU 0's operation leaves something; CPU 1 makes all CPUs forget it, and releases the frame; CPU
/// 2 reads.
Test forget_leftovers(u32 changes) {
  Test test(3, 1);
  Word marked = {"marked"};
  Word flushed;
  {
    Platform platform(test, 0);
    core::Leftovers leftovers(platform, marked, flushed);
    platform.clear(0);
    platform.finds(0);
    leftovers.mark();
  }
  Platform platform(test, 1, changes);
  core::Leftovers leftovers(platform, marked, flushed);
  platform.finds(1);
  bool is_flushed = false;
  leftovers.forget([&] {
    platform.flush_mm();
    is_flushed = true;
  });
  if (!is_flushed) give_up("CPU 1 did not flush");
  platform.release(0);
  add_reader(test, 2, 0, true);
  return test;
}

void add_leftovers(List& list) {
  const char* const from = "leftovers.hh";
  list.never("leftovers", "CPU 1 flushes what CPU 0's operation left", from,
             [] { return forget_leftovers(kUnchanged); });
  list.sometimes("leftovers-by-load", "CPU 1 reads the marks by a load with acquire", from,
                 [] { return forget_leftovers(kLoadForAdd); });
}

// --- The pending/flushed pair (pending.hh), and arm64's batched unmapping in the kernel

/// CPU 0 empties the entry and says so; CPU 1 settles it, and releases; CPU 2 reads.
Test settle_pending(bool branches, u32 changes) {
  Test test(3, 1);
  Word pair = {"pair"};
  {
    Platform platform(test, 0);
    core::Pending<Platform, 4> pending(platform, pair);
    platform.clear(0);
    platform.finds_silently(0);
    platform.finds(0);
    pending.add();
  }
  Platform platform(test, 1, changes);
  core::Pending<Platform, 4> pending(platform, pair);
  if (branches) platform.branch_on_loads();
  platform.finds(1);
  platform.finds_silently(1);
  bool flushed = false;
  pending.settle([&] {
    platform.flush_mm();
    flushed = true;
  });
  if (!flushed) give_up("CPU 1 did not flush");
  platform.release(0);
  platform.end_of_code();
  add_reader(test, 2, 0, true);
  return test;
}

/// CPU 0 clears the entry and issues its TLBI; it or CPU 1 completes that, and CPU 1 releases the
/// frame.
Test complete_elsewhere(bool initiator_completes) {
  Test test(3, 1);
  Word issued = {"issued"};
  {
    Platform platform(test, 0);
    platform.clear(0);
    platform.publish();
    const u64 asid = platform.read_asid();
    platform.invalidate(asid, Platform::interval(0), true);
    if (initiator_completes) platform.complete(true);
    platform.store(issued, 1, Order::kRelease);
  }
  Platform platform(test, 1);
  platform.finds(1);
  platform.load(issued, Order::kAcquire);
  platform.complete(true);
  platform.release(0);
  add_reader(test, 2, 0, true);
  return test;
}

void add_pending(List& list) {
  const auto settle = [](bool branches, u32 changes) {
    return [=] { return settle_pending(branches, changes); };
  };
  list.never("pending", "CPU 1 flushes what is pending: it has branched on what it loaded",
             "pending.hh; flush_tlb_batched_pending() of Linux branches as well",
             settle(true, kUnchanged));
  list.sometimes("pending-no-branch", "the same if nothing hung on the loaded value", "pending.hh",
                 settle(false, kUnchanged));
  list.sometimes("pending-no-final-dsb", "the TLBI is not waited for", "pending.hh",
                 settle(true, kOmitCompletion));

  list.never("linux-batched", "a TLBI is completed by the CPU that issued it, before it says so",
             "Linux 6.6 to 6.12, batched unmapping on arm64, as it should be",
             [] { return complete_elsewhere(true); });
  list.sometimes("linux-batched-dsb-elsewhere", "a TLBI is completed by the DSB of another CPU",
                 "Linux 6.6, batched unmapping on arm64; later flush_tlb_mm() in that place",
                 [] { return complete_elsewhere(false); });
}

// --- Nested gathers (nesting.hh)

/// CPU 0 empties the entry under the table's lock, and has not flushed yet; CPU 1 finds it empty
/// there, flushes if nested.hh says so, returns, and reads the page.
Test unmap_nested(bool branches, bool trusts_none) {
  Test test(2, 1);
  Word gathers = {"gathers"};
  Word lock = {"lock"};
  {
    Platform platform(test, 0);
    core::Nesting nesting(platform, gathers);
    platform.finds(0);
    nesting.enter();
    platform.clear(0);
    platform.store(lock, 1, Order::kRelease);
  }
  Platform platform(test, 1);
  core::Nesting nesting(platform, gathers);
  platform.finds(1);
  nesting.enter();
  platform.finds(1);
  platform.load(lock, Order::kAcquire);
  if (branches) platform.branch_on_loads();
  platform.finds(2);
  platform.finds_silently(2);
  nesting.leave([&] {
    if (!trusts_none) platform.flush_mm();
  });
  platform.return_to_user();
  add_reader(test, 1, 0, false);
  platform.end_of_code();
  return test;
}

void add_nesting(List& list) {
  const auto nested = [](bool branches, bool trusts_none) {
    return [=] { return unmap_nested(branches, trusts_none); };
  };
  const char* const from = "nesting.hh; tlb_finish_mmu() of Linux branches as well";
  list.never("nested", "CPU 1 finds an entry empty that CPU 0 has yet to flush, and flushes", from,
             nested(true, false));
  list.sometimes("nested-trust-none", "an empty entry owes nothing", "thread 002",
                 nested(true, true));
  list.sometimes("nested-no-branch", "CPU 1 flushes, but not because of what it loaded", from,
                 nested(false, false));
}

}  // namespace

const char* to_string(Verdict verdict) {
  return verdict == Verdict::kNever ? "Never" : "Sometimes";
}

std::vector<Scenario> scenarios() {
  List list;
  add_unmaps(list);
  add_credit(list);
  add_leftovers(list);
  add_pending(list);
  add_nesting(list);
  return list.take();
}

}  // namespace tlblab::litmus
