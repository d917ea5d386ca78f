#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Is every file in form? C++ as .clang-format says, shell scripts as shfmt writes them, and each
# text file as .editorconfig says. C is not for clang-format, which takes the columns out of its
# comments, and the length of its lines is left to checkpatch.sh, which knows what must not be
# broken.
#   tests/style/format.sh [--fix] [FILE...]      all files of the project when none is named
# --fix puts C++ and shell into form. Exit status: 0 if every file is in form.
set -euo pipefail
cd "$(dirname "$0")/../.."
fix=
if [ "${1:-}" = --fix ]; then
  fix=yes
  shift
fi
if [ $# -ne 0 ]; then
  files=("$@")
else
  mapfile -t files < <(tests/style/files.sh)
fi

cxx=() shell=()
for file in "${files[@]}"; do
  case $file in
    *.cc | *.hh) cxx+=("$file") ;;
    *.sh | */init | .ci/run) shell+=("$file") ;;
  esac
done

status=0
if [ "${#cxx[@]}" -ne 0 ]; then
  if [ -n "$fix" ]; then
    clang-format -i "${cxx[@]}"
  else
    clang-format --dry-run --Werror "${cxx[@]}" || status=1
  fi
fi
# No flags: with one, shfmt would not read .editorconfig.
if [ "${#shell[@]}" -ne 0 ]; then
  if [ -n "$fix" ]; then
    shfmt -w "${shell[@]}"
  else
    shfmt -d "${shell[@]}" || status=1
  fi
fi

# editorconfig prints [PATH] and the settings of each file, when there are several. Indentation is
# not looked at where one of the tools above writes it.
mapfile -t files < <(realpath -s -- "${files[@]}")
# shellcheck disable=SC2016  # awk's
editorconfig "$PWD/.editorconfig" "${files[@]}" | LC_ALL=C awk -v here="$PWD/" '
  function complain(what) {
    printf "%s:%d: %s\n", index(path, here) == 1 ? substr(path, length(here) + 1) : path, nr, what
    bad = 1
  }
  # A tab reaches to the next multiple of its width; what follows the first byte of a character of
  # several bytes takes no column.
  function width(text, tab, columns, n, parts, i) {
    gsub(/[\200-\277]/, "", text)
    n = split(text, parts, "\t")
    for (i = 1; i < n; i++) columns += length(parts[i]) + tab - length(parts[i]) % tab
    return columns + length(parts[n])
  }
  function look(line, last, columns, formatted) {
    nr = 0
    last = ""
    formatted = path ~ /\.(cc|hh|sh)$/ || path ~ /\/(init|run)$/
    while ((getline line <path) > 0) {
      nr++
      last = line
      if (line ~ /\r$/) complain("carriage return")
      if (set["trim_trailing_whitespace"] == "true" && line ~ /[ \t]$/) complain("trailing blanks")
      columns = width(line, set["tab_width"])
      if (path !~ /\.[ch]$/ && set["max_line_length"] ~ /^[0-9]+$/ &&
          columns > set["max_line_length"] + 0)
        complain(columns " columns")
      if (formatted) continue
      if (set["indent_style"] == "tab" && line ~ /^\t*        /) complain("spaces for a tab")
      if (set["indent_style"] == "space" && line ~ /^ *\t/) complain("indented by a tab")
    }
    close(path)
    if (nr && last == "") complain("an empty line at the end")
    # awk gives a last line whether or not it ends.
    if (nr && system("test -z \"$(tail -c 1 \"" path "\")\"")) complain("no newline at the end")
  }
  /^\[.*\]$/ {
    if (path != "") look()
    path = substr($0, 2, length($0) - 2)
    split("", set)
    next
  }
  { set[substr($0, 1, index($0, "=") - 1)] = substr($0, index($0, "=") + 1) }
  END {
    look()
    exit bad
  }' || status=1
exit "$status"
