#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Prints this host's architecture by Debian's name: that of its programs if there is dpkg, else that
# of its kernel.
dpkg --print-architecture 2>/dev/null || uname -m | sed 's/^x86_64$/amd64/; s/^aarch64$/arm64/'
