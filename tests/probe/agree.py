#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Does the headline of `make run` agree with a probe written by hand, within 5 %?

  tests/probe/agree.py        TLBLAB: the tool; BUILD: the build folder, with tests/probe/probe

Measures the headline's cell with the tool, right before and after with the probe, and so several
times; compares the logarithms of the two ratios pair by pair. No time is asserted, only that two
programs, one after the other on one machine, find the same. It fails only if the 99.9 % interval of
their difference lies wholly beyond 5 %, and passes if the 95 % interval lies wholly within; between
the two this machine is too noisy to tell, and the test is skipped. KTAP output. Exit status: 0
unless a test failed.
"""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from scipy import stats

BUILD = pathlib.Path(os.environ.get("BUILD", "build")).resolve()
TLBLAB = os.environ.get("TLBLAB", str(BUILD / "tlblab"))
PROBE = str(BUILD / "tests/probe/probe")

BOUND = math.log(1.05)
LEAST_PAIRS = 5
LEAST_BLOCKS = 4  # of the tool and of the probe, in a pair
MOST_PAIRS = 12  # many short ones: what differs from process to process is most of the noise
BUDGET_SECONDS = 60  # no pair begins when another as long as the longest would end later
TOOL_SECONDS = 1.2
PROBE_SECONDS = 0.8  # twice in a pair
PLANTED_SECONDS = 0.4
PLANTED_PERCENT = 40
NR_VMAS = 16
NR_TESTS = 4

# As in bench/studies/batching.toml, but shorter, and without A/A controls.
STUDY = f"""
name = "agree"
question = "Does the headline agree with a probe written by hand?"
compare = ["munmap:per-vma", "munmap:merged"]
min_seconds = {TOOL_SECONDS}
max_seconds = {TOOL_SECONDS}
count_trials = 8
[[cells]]
vmas = {NR_VMAS}
pages = 1
responders = 1
"""


class Unable(Exception):
  """This machine, or what goes on on it, lets nothing be compared; the text says why."""


class Wrong(Exception):
  """One of the programs did what it should not."""


def interval(differences, confidence):
  n = len(differences)
  mean = math.fsum(differences) / n
  spread = math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / (n - 1))
  half = stats.t.ppf((1 + confidence) / 2, n - 1) * spread / math.sqrt(n)
  return mean - half, mean + half


def judge(tool, probe):
  """("agrees", "disagrees" or "open", figures) of ratios that were measured in pairs."""
  if len(tool) < LEAST_PAIRS:
    return "open", f"{len(tool)} pairs were measured, {LEAST_PAIRS} are needed"
  differences = [math.log(t / p) for t, p in zip(tool, probe)]
  low, high = interval(differences, 0.95)
  far_low, far_high = interval(differences, 0.999)
  figures = "{:+.1f} % [{:+.1f}, {:+.1f}] over {} pairs".format(
      *(100 * math.expm1(x) for x in ((low + high) / 2, low, high)), len(tool))
  if far_low > BOUND or far_high < -BOUND:
    return "disagrees", figures
  return ("agrees" if -BOUND < low and high < BOUND else "open"), figures


def check_judge():
  """Figures that are made up, so that no machine can hide that a disagreement is seen."""
  probe = [9.5, 9.3, 9.6, 9.4, 9.5, 9.2, 9.4, 9.6]

  def off(percent, noise):  # both signs of the noise, equally often
    return [p * (1 + percent / 100 + noise / 100 * (-1) ** i) for i, p in enumerate(probe)]

  cases = [
      ("the same", off(0, 0), "agrees"),
      ("off by 2 %, noise of 1 %", off(2, 1), "agrees"),
      ("off by 10 %, noise of 1 %", off(10, 1), "disagrees"),
      ("off by -10 %, noise of 1 %", off(-10, 1), "disagrees"),
      ("off by 6 %, noise of 0.1 %", off(6, 0.1), "disagrees"),
      ("off by 5 %, noise of 1 %", off(5, 1), "open"),
      ("the same, noise of 20 %", off(0, 20), "open"),
      ("off by 10 %, noise of 20 %", off(10, 20), "open"),
      ("off by 10 %, but few pairs", off(10, 1)[:LEAST_PAIRS - 1], "open"),
      ("the second arm for the first", [1 / p for p in probe], "disagrees"),
  ]
  for name, tool, due in cases:
    word, figures = judge(tool, probe[:len(tool)])
    if word != due:
      raise Wrong(f"made-up figures, {name}: {word} ({figures}), due: {due}")


def run(command, folder):
  done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
  if done.returncode < 0:
    raise Wrong(f"{command[0]} was killed by signal {-done.returncode}: {done.stderr}")
  return done


def first_line(text):
  return text.strip().splitlines()[0] if text.strip() else "it gave no reason"


class Tool:
  """Runs of the tool. After the first, with the CPUs that it chose then."""

  def __init__(self, folder):
    self.folder = folder
    self.cpus = []
    self.nr_runs = 0
    (folder / "agree.toml").write_text(STUDY)

  def measure(self):
    self.nr_runs += 1
    results = self.folder / f"{self.nr_runs}.jsonl.zst"
    command = [TLBLAB, "study", "agree.toml", "--json", "--output", results.name]
    if self.cpus:
      command += ["--cpus", ",".join(map(str, self.cpus))]
    done = run(command, self.folder)
    if done.returncode == 6:
      if self.cpus:  # it went before: another run has taken them since
        return None, first_line(done.stderr)
      raise Unable(first_line(done.stderr))
    if done.returncode not in (0, 5):
      raise Wrong(f"the tool ended with status {done.returncode}: {first_line(done.stderr)}")
    if not results.exists():  # the cell was left out, with a notice
      raise Unable(first_line(done.stderr))
    lines = run(["zstdcat", results.name], self.folder).stdout.splitlines()
    self.cpus = json.loads(lines[0])["plan"]["cpus"][:2]
    study = json.loads(done.stdout)
    if not study["cells"] or len(self.cpus) < 2:
      raise Unable(first_line(done.stderr))
    self.cell = study["cells"][0]
    if "untimed" in self.cell:
      raise Unable(self.cell["untimed"])
    self.check_counts(lines)
    session = self.cell["sessions"][0] if self.cell["sessions"] else {"blocks": 0}
    if self.cell["verdict"] == "void" or session["blocks"] < LEAST_BLOCKS:
      return None, f"{session['blocks']} blocks; {self.cell['reason']}"
    return session["ratio"]["estimate"], "{:.1f} and {:.1f} us, {} blocks".format(
        session["a_ns"] / 1e3, session["b_ns"] / 1e3, session["blocks"])

  def check_counts(self, lines):
    """Operations are exact: 40 of an arm in each block."""
    blocks = [json.loads(line) for line in lines if '"record":"block"' in line]
    for arm in "AB":
      seen = sum(block["arm"].count(arm) for block in blocks)
      if seen != 40 * len(blocks):
        raise Wrong(f"the tool did {seen} operations of {arm} in {len(blocks)} blocks of 40")
    if self.cell["a"]["expected_requests"] != NR_VMAS:
      raise Wrong(f"the tool's A makes {self.cell['a']['expected_requests']} requests")

  def flushes(self):
    """By row TLB of the responder, for an operation of A and of B; None where not counted."""
    counts = [self.cell[arm]["responder_counts"].get("TLB") for arm in "ab"]
    return [count["mean"] for count in counts] if all(counts) else None


def tlb_row(cpu):
  """Flushes that others asked of a CPU so far; None where they are not counted (arm64)."""
  lines = pathlib.Path("/proc/interrupts").read_text().splitlines()
  column = lines[0].split().index(f"CPU{cpu}")
  rows = [line.split() for line in lines[1:]]
  return next((int(row[1 + column]) for row in rows if row and row[0] == "TLB:"), None)


class Probe:
  """Runs of the probe, on the tool's CPUs."""

  def __init__(self, cpus):
    self.cpus = cpus
    self.calls = 0
    self.flushes = 0  # None: not counted

  def measure(self, seconds, plant=0):
    before = tlb_row(self.cpus[1])
    done = run([PROBE, "-c", ",".join(map(str, self.cpus)), "-s", str(seconds), "-p", str(plant)],
               None)
    if done.returncode == 77:
      return None, done.stderr.strip()
    if done.returncode != 0:
      raise Wrong(f"the probe ended with status {done.returncode}: {done.stderr.strip()}")
    figures = dict(pair.split("=") for pair in done.stdout.split())
    a, b, blocks = (int(figures[key]) for key in ("a_operations", "b_operations", "blocks"))
    due = 40 * (1 + blocks + int(figures["dropped"]))
    calls = int(figures["a_calls"]), int(figures["b_calls"])
    if (a, b) != (due, due) or calls != (NR_VMAS * a, b):
      raise Wrong(f"the probe's operations or calls are not what was asked: {done.stdout.strip()}")
    self.calls += sum(calls)
    self.flushes = None if before is None else self.flushes + tlb_row(self.cpus[1]) - before
    if blocks < LEAST_BLOCKS:
      return None, f"{blocks} blocks, others have the CPUs"
    return float(figures["ratio"]), "{:.1f} and {:.1f} us, {} blocks".format(
        float(figures["a_ns"]) / 1e3, float(figures["b_ns"]) / 1e3, blocks)


def comment(text):
  print(f"# {text}", flush=True)


def measure_pairs(folder):
  """Ratios of the tool, of the probe, and of the probe with its fault: pair by pair."""
  if len(os.sched_getaffinity(0)) < 2:
    raise Unable("it takes two CPUs, and only one may be used")
  tool = Tool(folder)
  tool.measure()  # chooses the CPUs, warms up, and is not used
  probe = Probe(tool.cpus)
  ratios = []
  longest = 0
  end = time.monotonic() + BUDGET_SECONDS
  for pair in range(1, MOST_PAIRS + 1):
    began = time.monotonic()
    if began + longest > end:
      break
    before = probe.measure(PROBE_SECONDS)
    by_tool = tool.measure()
    after = probe.measure(PROBE_SECONDS)
    planted = probe.measure(PLANTED_SECONDS, PLANTED_PERCENT)
    longest = max(longest, time.monotonic() - began)
    runs = {"probe": before, "tool": by_tool, "probe again": after, "planted": planted}
    for name, (ratio, words) in runs.items():
      comment(f"pair {pair}, {name}: {f'{ratio:.3f} ({words})' if ratio else words}")
    if all(ratio for ratio, _ in runs.values()):
      ratios.append((by_tool[0], math.sqrt(before[0] * after[0]), planted[0]))
  if probe.flushes is not None:
    comment(f"row TLB of CPU {probe.cpus[1]}: {probe.flushes} flushes in {probe.calls} calls of the"
            f" probe; in an operation of the tool's A and B: {tool.flushes() or 'not counted'}")
  return list(zip(*ratios)) if ratios else [[], [], []]


def main():
  status = 0
  nr = 0

  def result(name, outcome):
    """outcome(): the words that follow; Unable skips, Wrong fails."""
    nonlocal nr, status
    nr += 1
    try:
      print(f"ok {nr} {name} # {outcome()}", flush=True)
    except Unable as reason:
      print(f"ok {nr} {name} # SKIP {reason}", flush=True)
    except (Wrong, subprocess.TimeoutExpired) as reason:
      print(f"not ok {nr} {name}\n# {reason}", flush=True)
      status = 1

  def judged_made_up_figures():
    check_judge()
    return "as they should be"

  measured = Unable("nothing was measured")

  def measured_pairs():
    nonlocal measured
    try:
      with tempfile.TemporaryDirectory() as folder:
        measured = measure_pairs(pathlib.Path(folder))
    except Unable as reason:
      measured = reason
      raise
    return f"{len(measured[0])} pairs"

  def figures_of(first, second):
    if isinstance(measured, Unable):
      raise measured
    return judge(measured[first], measured[second])

  def tool_agrees():
    word, figures = figures_of(0, 1)
    if word == "disagrees":
      raise Wrong(f"the tool's ratio is off the probe's by {figures}")
    if word == "open":
      raise Unable(f"too noisy here to tell 5 %: {figures}")
    return f"agrees within 5 %: {figures}"

  def fault_is_seen():
    word, figures = figures_of(0, 2)
    if word == "agrees":
      raise Wrong(f"the probe's A takes {PLANTED_PERCENT} % longer, which is not seen: {figures}")
    if word == "open":
      raise Unable(f"too noisy here to see it: {figures}")
    return f"the tool is off by {figures}"

  print(f"TAP version 13\n1..{NR_TESTS}", flush=True)
  result("made-up figures that agree, disagree, or can't tell", judged_made_up_figures)
  result("the tool and the probe do what they were asked, exactly", measured_pairs)
  result("the tool's headline agrees with the probe", tool_agrees)
  result("a fault planted in the probe is seen", fault_is_seen)
  return status


if __name__ == "__main__":
  sys.exit(main())
