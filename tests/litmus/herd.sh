#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Gets herd7, which judges litmus tests by Arm's own memory model:
#   tests/litmus/herd.sh
# makes build/herd with
#   herd7      to be run from anywhere; a link in the way of a script
#   version    what it says of itself
# Debian 12 has none new enough; sid's package is unpacked with the libraries that it wants, and
# runs under its own loader: nothing of it touches the host. A folder that stands is left alone:
# remove it for a newer herd7.
# Exit status: 0; 77 if sid can't give it today, with the reason in build/herd.missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
. kmod/guest/debian.sh

tree=$BUILD/herd
mkdir -p "$BUILD"
exec 9>"$BUILD/herd.lock"
flock 9
[ ! -e "$tree/version" ] || exit 0

# What sid has changes from day to day. That it lacks the package, or is out of reach, is nobody's
# fault here; what goes wrong after that is.
try() { # COMMAND...: its errors are the reason
  if ! ("$@") 2>"$BUILD/herd.missing" 9>&-; then
    echo "  HERD    none: $(grep . "$BUILD/herd.missing" | tail -n 1)"
    exit 77
  fi
  rm -f "$BUILD/herd.missing"
}
list_packages() { # the package and all that it stands on
  private apt-get install --simulate --no-install-recommends herdtools7 \
    | sed -n 's/^Inst \([^ ]*\) .*/\1/p' >"$tree.tmp/packages"
}

echo "  HERD    Arm's memory model, from Debian sid"
rm -rf "$tree.tmp"
mkdir -p "$tree.tmp"
try debian_prepare sid
debian_prepare sid
try list_packages
mapfile -t packages <"$tree.tmp/packages"
try debian_unpack "$tree.tmp/root" "${packages[@]/%/:$host_arch}"

# Of 250 MB of tools and models this is what herd7 alone needs.
root=$tree.tmp/root
mkdir -p "$tree.tmp/lib" "$tree.tmp/share"
mv "$root/usr/bin/herd7" "$tree.tmp/"
mv "$root/usr/share/herdtools7/herd" "$tree.tmp/share/"
mv "$root"/usr/lib/*-linux-gnu/*.so* "$tree.tmp/lib/"
rm -rf "$root"
mv "$tree.tmp/herd7" "$tree.tmp/herd7.bin"
cat >"$tree.tmp/herd7" <<'END'
#!/bin/sh
here=$(dirname "$(realpath "$0")")
exec "$here"/lib/ld-linux-*.so.* --library-path "$here/lib" "$here/herd7.bin" \
  -set-libdir "$here/share/herd" "$@"
END
chmod +x "$tree.tmp/herd7"
version=$("$tree.tmp/herd7" -version) || die "sid's herd7 does not run here"
echo "$version" >"$tree.tmp/version"
rm -rf "$tree"
mv "$tree.tmp" "$tree"
echo "  HERD    $tree is ${version%%,*}, $(du -sh "$tree" | cut -f1)"
