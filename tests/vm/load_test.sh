#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# In a guest, with the module loaded: loads and unloads it again and again, used in between. KTAP.
# The module must say each time that every frame went back.
rounds=20
load_and_unload() {
  round=0
  while [ "$round" -lt "$rounds" ]; do
    rmmod tlblab || return 1
    [ ! -e /dev/tlblab ] || return 1
    insmod /tlblab.ko || return 1
    /root/vm_tests frames_belong_to_file_and_offset one_frame_twice >/tmp/used || return 1
    round=$((round + 1))
  done
  [ "$(dmesg | grep -c 'tlblab: unloaded: .* all returned')" -ge "$rounds" ]
}

echo "KTAP version 1"
echo "1..1"
if load_and_unload; then
  echo "ok 1 load_and_unload_${rounds}_times"
else
  cat /tmp/used
  echo "not ok 1 load_and_unload_${rounds}_times"
  exit 1
fi
