#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Who may include whom. First it is shown that the check sees what it must, then comes the tree.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/vm/ktap.sh

# A row is a room and the rooms that it may include. A room is every file whose path begins so, as
# long as no longer name fits; it may always include itself. Libraries are in brackets: <std> is the
# C++ standard library, <linux> the kernel's headers, <any> every library. An architecture's own
# header, found by include path, is named by itself: <mechanism.hh>. The rows are sorted
# from the ground up: a room comes after all that it includes, so there can be no circle.
rooms() {
  cat <<'TABLE'
include                       <std> <linux>
kmod/boundary                 include
kmod/core                     include kmod/boundary <std> <mechanism.hh>
kmod/linux                    include kmod/boundary <linux>
kmod/arch                     include kmod/boundary kmod/core kmod/linux <linux>

user/support                  <any>
user/model                    user/support <any>
user/statistics               user/model user/support <any>
user/records                  user/model user/support <any>
user/analysis                 user/records user/statistics user/model user/support include <any>

user/topology                 user/model user/support <any>
user/counters                 user/topology user/model user/support <counted_events.hh> <any>
user/arch                     user/counters user/topology user/model user/support include <any>
user/workload                 user/topology user/statistics user/model user/support <any>
user/lab                      user/workload user/topology user/model user/support include <any>
user/engine                   user/model <any>
user/engine/syscall           user/engine user/workload user/topology user/model user/support
                              <mm_gather.hh> <any>
user/engine/lab               user/engine user/lab user/workload user/model user/support include
                              <lab_mechanisms.hh> <any>
user/engine/registry          user/engine user/engine/syscall user/engine/lab user/support <any>
user/experiment               user/engine/registry user/engine user/workload user/counters
                              user/topology user/records user/statistics user/model user/support
                              include <any>
user/oracle                   user/lab user/workload user/topology user/model user/support include
                              <any>

user/report/document/document <any>
user/report/document/format   user/model <any>
user/report/document          user/report/document/document user/report/document/format
                              user/analysis user/statistics user/model user/support include <any>
user/report/draw/figure       user/report/document/document <any>
user/report/draw/gnuplot      user/report/draw/figure user/report/document/format user/support
                              <any>
user/report/draw/panel        user/report/draw/gnuplot user/report/draw/figure
                              user/report/document/format <any>
user/report/draw              user/report/draw/panel user/report/draw/gnuplot
                              user/report/draw/figure user/report/document
                              user/report/document/document user/report/document/format
                              user/analysis user/statistics user/model <any>
user/report/render            user/report/draw/figure user/report/document/document
                              user/report/document/format <any>
user/report                   user/report/render user/report/draw user/report/draw/figure
                              user/report/document user/report/document/document
                              user/report/document/format user/analysis user/model user/support
                              <any>

user/commands                 user/report user/report/render user/report/document
                              user/report/document/document user/report/document/format
                              user/analysis user/oracle user/experiment user/engine/registry
                              user/engine user/lab user/counters user/topology user/records
                              user/statistics user/model user/support include <any>
user/main                     user/commands user/experiment user/topology user/statistics
                              user/support <any>
TABLE
}

# FOLDER: "file include" for each include below it, as it is written.
includes() {
  (cd "$1" && grep -rE --include='*.[ch]' --include='*.cc' --include='*.hh' \
    '^ *# *include *[<"]' include kmod user 2>/dev/null) \
    | sed -E 's/^([^:]*): *# *include *([<"][^>"]*[>"]).*/\1 \2/'
}

# Reads a table, a line "--" and includes. Prints what is wrong, and fails if something is.
judge() {
  awk '
    function wrong(what) { print what; failed = 1 }
    function room_of(path,   name, best) {
      best = ""
      for (name in row) {
        if (length(name) > length(best) && index(path, name) == 1 &&
            substr(path, length(name) + 1, 1) ~ /^[.\/]?$/) best = name
      }
      return best
    }
    function may(from, to) { return from == to || (from, to) in allowed }
    BEGIN { reading_table = 1 }
    $1 == "--" { reading_table = 0; next }
    reading_table {
      first = /^ / ? 1 : 2
      if (NF > 0 && first == 2) { room = $1; row[room] = 1 }
      for (i = first; i <= NF; i++) {
        allowed[room, $i] = 1
        if ($i ~ /^</ || $i in row) continue
        wrong("the row of " room " names " $i ", which is above it")
      }
      next
    }
    NF == 2 {
      file = $1
      included = substr($2, 2, length($2) - 2)
      from = room_of(file)
      if (from == "") { wrong(file " is in no room"); next }
      if ($2 ~ /^"/) {
        to = room_of(included)
        if (to == "") to = "no room of the table"
      } else if (included ~ /^tlblab\//) {
        to = "include"
      } else if (may(from, $2)) {
        next
      } else {
        to = included !~ /[.\/]/ ? "<std>" : "<other>"
        if (included ~ /^(linux|asm|generated)\//) to = "<linux>"
        if (included ~ /^[^\/]*\.hh$/) to = $2
        else if (may(from, "<any>")) next
      }
      if (!may(from, to)) wrong(file " includes " included ": " from " may not include " to)
    }
    END { exit failed }' >"$scratch/log"
}

sees() { # NAME EXPECTED: judge() must fail on its input, with these words
  if judge; then
    echo "nothing was seen" >"$scratch/log"
    result 1 "$1"
  else
    grep -qF "$2" "$scratch/log"
    result $? "$1"
  fi
}

plant() { # FILE INCLUDE: a tree with that file alone
  rm -rf "$scratch/tree"
  mkdir -p "$scratch/tree/$(dirname "$1")"
  echo "#include $2" >"$scratch/tree/$1"
  {
    rooms
    echo --
    includes "$scratch/tree"
  }
}

sees 'planted: an analysis that asks an engine' 'user/analysis may not include user/engine' \
  < <(plant user/analysis/x.cc '"user/engine/engine.hh"')
sees 'planted: a renderer that reads a study' 'user/report/render may not include user/analysis' \
  < <(plant user/report/render/x.hh '"user/analysis/analysis.hh"')
sees 'planted: a file format that needs counters' 'user/records may not include user/counters' \
  < <(plant user/records/x.cc '"user/counters/counters.hh"')
sees 'planted: the C side looks into the core' 'kmod/linux may not include kmod/core' \
  < <(plant kmod/linux/x.c '"kmod/core/schemes.hh"')
sees 'planted: a kernel header in the core' 'kmod/core may not include <linux>' \
  < <(plant kmod/core/x.hh '<linux/mm.h>')
sees 'planted: the boundary leans on a side' 'kmod/boundary may not include kmod/core' \
  < <(plant kmod/boundary/x.h '"kmod/core/platform.hh"')
sees 'planted: the driver looks into the core' 'user/lab may not include kmod/core' \
  < <(plant user/lab/x.cc '"kmod/core/schemes.hh"')
sees "planted: a report that asks for an architecture's constant" \
  'user/report/document may not include <mm_gather.hh>' \
  < <(plant user/report/document/x.cc '<mm_gather.hh>')
sees 'planted: the ABI needs the module' 'include may not include kmod/linux' \
  < <(plant include/tlblab/x.h '"kmod/linux/lab.h"')
sees 'planted: a file in no room' 'user/attic/x.cc is in no room' \
  < <(plant user/attic/x.cc '<vector>')
sees 'planted: a circle in the table' 'the row of user/a names user/b, which is above it' \
  < <(printf '%s\n' 'user/a user/b' 'user/b user/a' --)

judge < <(
  rooms
  echo --
  includes .
)
result $? 'every include goes where the table lets it'
exit "$failed"
