#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Checks that there is a C++ compiler that belongs to the kernel's C compiler, of the same major
# version. Objects of another version may differ in the kernel's ABI: stack protector, entry
# patching, sanitizers.
#   kmod/check_compiler.sh CC CXX        each may be several words, the last one the compiler
# Exit status: 0, or 1 with what to install.
set -eu
cc=$1 cxx=$2

major() { # COMMAND: empty if it can't be run
  # shellcheck disable=SC2086  # its words
  { $1 -dumpversion 2>/dev/null || :; } | cut -d. -f1
}
refuse() { # WHAT PACKAGE
  echo "error: the module is C++ in part, and $1. Debian: apt-get install $2" >&2
  exit 1
}

# aarch64-linux-gnu-g++-12 is in g++-12-aarch64-linux-gnu.
name=${cxx##*[ /]}
cc_version=$(major "$cc")
case $name in
  *clang++*) package=clang same_package=clang-$cc_version version=${name#*clang++} triplet= ;;
  *g++*)
    package=g++ version=${name#*g++} triplet=${name%%g++*}
    triplet=${triplet:+-${triplet%-}}
    same_package=g++-$cc_version$triplet
    ;;
  *)
    echo "error: which C++ compiler belongs to CC=$cc? By its name it is neither gcc nor clang" >&2
    exit 1
    ;;
esac
cxx_version=$(major "$cxx")
[ -n "$cxx_version" ] \
  || refuse "$cxx, which belongs to this kernel's compiler, is missing" "$package$version$triplet"
[ "$cxx_version" = "$cc_version" ] \
  || refuse "$cxx is version $cxx_version, but $cc is version $cc_version" "$same_package"
