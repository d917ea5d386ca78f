#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Would the checks of style notice? Plants one fault after another and sees each refused, for its
# reason:
#   tests/style/check_style.sh
# KTAP output. Exit status: 0 when every fault was refused.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/vm/ktap.sh

# Not the project's own folder, but its rules.
mkdir "$scratch/kmod"
cp .editorconfig .clang-format "$scratch"

refused() { # NAME SAYS COMMAND...: the command must fail and say SAYS
  local status=0
  ! "${@:3}" >"$scratch/log" 2>&1 || status=1
  grep -q -- "$2" "$scratch/log" || status=1
  result "$status" "refused: $1"
}
passes() { # NAME COMMAND...
  local status=0
  "${@:2}" >"$scratch/log" 2>&1 || status=$?
  result "$status" "passes: $1"
}
form() { # NAME FILE SAYS: its text from stdin
  cat >"$scratch/$2"
  refused "$1" "$3" tests/style/format.sh "$scratch/$2"
  rm "$scratch/$2"
}

echo 'TAP version 13'
echo '1..16'
printf '#!/bin/sh\nif true; then\n  echo "a"\nfi\n' >"$scratch/sound.sh"
printf 'int sound(int a) { return a; }\n' >"$scratch/sound.cc"
printf 'int sound(int a)\n{\n\treturn a;\n}\n' >"$scratch/sound.c"
passes 'sound files' tests/style/format.sh "$scratch"/sound.{sh,cc,c}
form 'C++ that clang-format writes otherwise' a.cc clang-format-violations <<<'int  a( int b );'
form 'shell that shfmt writes otherwise' a.sh '^+  echo' <<<$'if true; then\n    echo a\nfi'
form 'blanks at the end of a line' a.md 'a.md:2: trailing blanks' <<<$'words\nwords  '
form 'a line of 101 columns' a.mk 'a.mk:1: 101 columns' <<<"# $(printf 'x%.0s' {1..99})"
form 'a tab is eight columns' a.mk 'a.mk:1: 107 columns' <<<$'\t'"$(printf 'x%.0s' {1..99})"
form 'spaces where the kernel has tabs' a.c 'a.c:3: spaces for a tab' \
  <<<$'int a(void)\n{\n        return 1;\n}'
form 'a tab where spaces belong' a.toml 'a.toml:1: indented by a tab' <<<$'\ta = 1'
form 'a file without an end' a.md 'a.md:1: no newline at the end' < <(printf 'words')
form 'an empty line at the end' a.md 'a.md:2: an empty line at the end' <<<$'words\n'

passes 'a sound script' tests/style/shell.sh "$scratch/sound.sh"
# shellcheck disable=SC2016  # the variable is that script's
printf '#!/bin/sh\na="a b"\nrm $a\n' >"$scratch/planted.sh"
refused 'a variable without quotes' SC2086 tests/style/shell.sh "$scratch/planted.sh"

cp "$scratch/sound.c" "$scratch/planted.c"
printf '\nint planted(int a)\n{\n\tif(a)\n\t\treturn 1;\n\treturn 0;\n}\n' >>"$scratch/planted.c"
refused 'C that is not in the style of the kernel' 'SPACING' \
  tests/style/checkpatch.sh "$scratch/planted.c"

cat >"$scratch/planted.md" <<'END'
See `make planted` and `make test`.
END
refused 'a goal that there is not' 'planted.md:1: there is no make planted' \
  tests/style/goals.sh "$scratch/planted.md"

cp -r Kbuild kmod include "$scratch"
plant() { # NAME SAYS: appends stdin to a source of the module
  cat >>"$scratch/kmod/linux/device.c"
  refused "$1" "$2" tests/style/sparse.sh "$scratch"
  cp kmod/linux/device.c "$scratch/kmod/linux/device.c"
}
plant 'memory of user space that is read directly' 'removes address space' <<'END'

int lab_planted(const int __user *word);
int lab_planted(const int __user *word)
{
	return *(const int *)word;
}
END
plant 'what gcc says at W=1 alone' 'no previous prototype' <<'END'

int lab_planted(void)
{
	return 1;
}
END
exit "$failed"
