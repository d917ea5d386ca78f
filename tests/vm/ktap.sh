# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034  # failed is read by whoever sources this
# For scripts that plant faults, sourced: KTAP lines, and a log in $scratch that is shown on
# failure.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
count=0 failed=0

result() { # STATUS NAME: 0 is good
  count=$((count + 1))
  if [ "$1" -eq 0 ]; then
    echo "ok $count $2"
  else
    echo "not ok $count $2"
    failed=1
    tail -n 20 "$scratch/log" | sed 's/^/# /'
  fi
}
