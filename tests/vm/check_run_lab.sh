#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Does `make run` know where the module can't be loaded, and does the module never stay? Plants
# machines around kmod/run_lab.sh's functions; nothing is loaded.
#   tests/vm/check_run_lab.sh
# KTAP output. Exit status: 0 when all was seen.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/vm/ktap.sh
export scratch

# A machine that takes the module, and programs that pretend to load it.
plant_machine() {
  rm -rf "$scratch/machine"
  mkdir -p "$scratch/machine/lib/modules/9.9.9-test/build/include/config"
  mkdir -p "$scratch"/machine/{proc/sys/kernel,sys/module}
  echo 9.9.9-test >"$scratch/machine/lib/modules/9.9.9-test/build/include/config/kernel.release"
  echo 0 >"$scratch/machine/proc/sys/kernel/modules_disabled"
}
plant_program() { # NAME: stdin is its text
  cat >"$scratch/bin/$1"
  chmod +x "$scratch/bin/$1"
}
mkdir "$scratch/bin"
plant_program insmod <<'END'
#!/bin/sh
mkdir "$scratch/machine/sys/module/tlblab"
END
plant_program rmmod <<'END'
#!/bin/sh
rmdir "$scratch/machine/sys/module/tlblab"
END
plant_program sudo <<'END'
#!/bin/sh
exec "$@"
END
plant_program tlblab <<'END'
#!/bin/sh
: >"$scratch/begun"
sleep "$STUDY_SECONDS"
exit 3
END
export PATH=$scratch/bin:$PATH BUILD=$scratch/bin STUDY_SECONDS=0

# COMMANDS, by a shell of their own with run_lab.sh's functions and that machine.
lab() {
  bash -c '. kmod/run_lab.sh; machine=$scratch/machine release=9.9.9-test page_kib=4; '"$1" \
    >"$scratch/log" 2>&1
}
says() { # TEXT NAME COMMANDS: TEXT empty: nothing is said
  local status=0
  lab "$3" || status=$?
  if [ -z "$1" ]; then [ ! -s "$scratch/log" ] || status=1; fi
  grep -q "$1" "$scratch/log" || [ -z "$1" ] || status=1
  result "$status" "$2"
}

echo 'TAP version 13'
echo '1..13'
plant_machine
says '' 'a machine that takes the module' why_not
says 'needs 6.1 or later' 'a kernel that is too old' 'release=5.19.0-1-amd64; why_not'
says 'needs 6.1 or later' 'a kernel that is a little too old' 'release=6.0-rc1; why_not'
says 'no headers' 'a kernel without headers' 'release=6.1-rc1; why_not'
says 'make run YES=yes' 'nobody to ask' '! agreed </dev/null'
mkdir -p "$scratch"/machine/sys/{kernel/security,module/module/parameters}
echo 'none [integrity] confidentiality' >"$scratch/machine/sys/kernel/security/lockdown"
says 'locked down.*docs/secure-boot.md' 'a kernel that is locked down' why_not
echo '[none] integrity confidentiality' >"$scratch/machine/sys/kernel/security/lockdown"
echo Y >"$scratch/machine/sys/module/module/parameters/sig_enforce"
says 'sig_enforce.*docs/secure-boot.md' 'a kernel that enforces signatures' why_not
echo N >"$scratch/machine/sys/module/module/parameters/sig_enforce"
says '' 'a kernel that could enforce them' why_not
mkdir "$scratch/machine/sys/module/tlblab"
says 'loaded already' 'a module that is loaded already' why_not

plant_machine
status=0
verdict=0
lab here || status=$?
[ "$status" = 3 ] && [ -e "$scratch/begun" ] || verdict=1
[ ! -e "$scratch/machine/sys/module/tlblab" ] || verdict=1
result "$verdict" 'the module goes when the study has failed, and the status is told'

# Ctrl-C reaches the whole process group.
set -m
for signal in INT TERM; do
  rm -f "$scratch/begun"
  plant_machine
  STUDY_SECONDS=20 lab here 2>/dev/null &
  group=$!
  for ((i = 0; i < 100; i++)); do
    [ ! -e "$scratch/begun" ] || break
    sleep 0.1
  done
  verdict=0
  [ -e "$scratch/machine/sys/module/tlblab" ] || verdict=1
  kill -s "$signal" -- "-$group"
  ! wait "$group" 2>/dev/null || verdict=1
  # The shell that ran it is gone, it may still be at it.
  for ((i = 0; i < 100; i++)); do
    [ -e "$scratch/machine/sys/module/tlblab" ] || break
    sleep 0.1
  done
  [ ! -e "$scratch/machine/sys/module/tlblab" ] || verdict=1
  result "$verdict" "the module goes after SIG$signal"
done

# A module that is still in use for a moment.
plant_machine
plant_program rmmod <<'END'
#!/bin/sh
[ -e "$scratch/tried" ] || { : >"$scratch/tried" && exit 1; }
rmdir "$scratch/machine/sys/module/tlblab"
END
lab here || true
verdict=0
[ -e "$scratch/tried" ] && [ ! -e "$scratch/machine/sys/module/tlblab" ] || verdict=1
result "$verdict" 'the module goes as soon as it can'
exit "$failed"
