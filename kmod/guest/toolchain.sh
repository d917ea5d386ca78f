# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154  # debian and host_arch are set by debian.sh
# Sourced after debian.sh: programs of another Debian than this host. Kernels of another suite are
# built with that suite's compiler, and kbuild's own programs want its C library. They are unpacked,
# not installed, and each runs under the loader and with the libraries that came with it: a script
# in its place sees to that. Nothing of it takes root, and a folder of them may be moved.

# Puts such a script in the place of each program of this host that is found in FOLDER. LIBRARIES:
# the folder with the loader and the libraries.
debian_wrap() { # LIBRARIES FOLDER...
  local libraries=$1 program loader interpreter way
  shift
  find "$@" -type f -perm -u+x ! -name '*.so*' -print0 | while IFS= read -r -d '' program; do
    interpreter=$(readelf -l "$program" 2>/dev/null \
      | sed -n 's/.*interpreter: .*\/\(.*\)]/\1/p') || true
    loader=$libraries/$interpreter
    if [ -z "$interpreter" ] || [ ! -e "$loader" ]; then continue; fi
    way=$(realpath --relative-to "$(dirname "$program")" "$libraries")
    mv "$program" "$program.bin"
    # A program that asks who it is, as compilers do to find their parts, is told the script's name.
    cat >"$program" <<END
#!/bin/sh
here=\$(dirname "\$(realpath "\$0")")
exec "\$here/$way/$interpreter" --argv0 "\$0" --library-path "\$here/$way" \\
  "\$here/${program##*/}.bin" "\$@"
END
    chmod +x "$program"
  done
}

# Makes $BUILD/toolchain/SUITE-ARCH-VERSION, from the suite that is prepared, with
#   bin/        TRIPLET-gcc-VERSION, TRIPLET-g++-VERSION and binutils for ARCH, and pahole
#   libraries/  what they and kbuild's programs need
# and sets toolchain to it.
debian_toolchain() { # SUITE ARCH VERSION
  local suite=$1 arch=$2 version=$3 triplet root packages compiler parts ssl=libssl3t64
  case $arch in
    amd64) triplet=x86-64-linux-gnu ;;
    arm64) triplet=aarch64-linux-gnu ;;
  esac
  toolchain=$BUILD/toolchain/$suite-$arch-$version
  [ ! -e "$toolchain/whole" ] || return 0
  root=$toolchain.tmp
  rm -rf "$root" "$toolchain"
  mkdir -p "$root"
  echo "  TOOLS   gcc $version for $arch from $debian"
  # Names of Debian 12.
  debian_has "$ssl:$host_arch" || ssl=libssl3
  compiler=g++-$version-$triplet
  debian_has "$compiler:$host_arch" || [ "$arch" != "$host_arch" ] || compiler=g++-$version
  # The libraries of the compiler's sanitizers are for programs, not for kernels.
  packages=$(private apt-get install --simulate --no-install-recommends \
    "$compiler:$host_arch" "pahole:$host_arch" "$ssl:$host_arch" \
    | sed -n 's/^Inst \([^ ]*\) .*/\1/p' \
    | grep -Ev '^lib(asan|hwasan|lsan|tsan|ubsan|itm|gomp|atomic|quadmath|gprofng)') \
    || die "$debian has no $compiler"
  # shellcheck disable=SC2086  # a list
  debian_unpack "$root" $packages
  rm -rf "${root:?}"/{etc,var} "$root"/usr/share/{doc,man,locale,info,lintian,bug}
  debian_merge_usr "$root"
  ln -s usr/bin "$root/bin"
  ln -s "$(cd "$root" && echo usr/lib/*-linux-gnu/ld-linux-*.so.* | sed 's|/[^/]*$||')" \
    "$root/libraries"
  triplet=${triplet/x86-64/x86_64}
  # In lib or libexec, by release.
  parts=$(echo "$root"/usr/lib*/gcc*/"$triplet/$version/cc1")
  debian_wrap "$root/libraries" "$root/usr/bin" "${parts%/*}"
  # A native compiler looks for its assembler on the host.
  ln -sf "../../../../bin/$triplet-as" "${parts%/*}/as"
  touch "$root/whole"
  mv "$root" "$toolchain"
}
