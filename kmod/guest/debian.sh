# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced: Debian's packages, downloaded and unpacked under $BUILD without touching the host's apt
# or dpkg. They are those of this host's own release unless another suite is asked for: what is
# built here must find the same libraries there. apt runs on a root of its own for each suite, with
# the host's network settings (proxies and the like) and none of its sources or hooks; it checks
# signatures and hashes as usual.

BUILD=${BUILD:-build}
DEBIAN_MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
DEBIAN_SECURITY_MIRROR=${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
host_arch=$(dpkg --print-architecture)
# Another distribution gets Debian 12's: what that has runs under newer libraries, too.
# shellcheck source=/dev/null
host_suite=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}")
[ "$host_suite" = trixie ] || host_suite=bookworm

die() { # MESSAGE...
  echo "error: $*" >&2
  exit 1
}

private() { # COMMAND...: any apt command, on the private root
  APT_CONFIG=$apt_root/apt.conf "$@"
}

# Chooses a suite for all that follows: writes its private root's settings, and refreshes its
# package lists once a day. Packages of a -backports suite are preferred to those that they stand
# on. sid is only for programs of this host.
debian_prepare() { # [SUITE]
  local suite=${1:-$host_suite} keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  local architectures='amd64 arm64' base
  [ -e "$keyring" ] || die "$keyring is missing: apt-get install debian-archive-keyring"
  apt_root=$PWD/$BUILD/apt-$suite debian="Debian $suite" base=${suite%-backports}
  case $suite in
    bookworm) debian='Debian 12' ;;
    trixie) debian='Debian 13' ;;
    sid) architectures=$host_arch ;;
  esac
  mkdir -p "$apt_root"/{state/lists/partial,cache/archives/partial,parts,debs}
  : >"$apt_root/status"
  {
    apt-config dump | grep '^Acquire::' || true
    echo "Dir::State \"$apt_root/state\";"
    echo "Dir::State::status \"$apt_root/status\";"
    echo "Dir::Cache \"$apt_root/cache\";"
    echo "Dir::Etc::main \"/dev/null\";"
    echo "Dir::Etc::parts \"$apt_root/parts\";"
    echo "Dir::Etc::sourcelist \"$apt_root/sources.list\";"
    echo "Dir::Etc::sourceparts \"$apt_root/parts\";"
    echo "APT::Architecture \"$host_arch\";"
    printf 'APT::Architectures {'
    # shellcheck disable=SC2086  # words
    printf ' "%s";' $architectures
    echo ' };'
    echo 'APT::Sandbox::User "root";'
    [ "$suite" = "$base" ] || echo "APT::Default-Release \"$suite\";"
    echo 'Acquire::Languages "none";'
    echo 'Acquire::Retries "3";'
  } >"$apt_root/apt.conf"
  {
    echo "deb [signed-by=$keyring] $DEBIAN_MIRROR $base main"
    [ "$suite" = sid ] \
      || echo "deb [signed-by=$keyring] $DEBIAN_SECURITY_MIRROR $base-security main"
    [ "$suite" = "$base" ] || echo "deb [signed-by=$keyring] $DEBIAN_MIRROR $suite main"
  } >"$apt_root/sources.list"
  if [ -z "$(find "$apt_root/updated" -mmin -1440 2>/dev/null)" ]; then
    echo "  APT     package lists of $debian, ${architectures/ / and }"
    private apt-get update -qq -o APT::Update::Error-Mode=any \
      || die "the package lists of $DEBIAN_MIRROR could not be read: is there a network?"
    touch "$apt_root/updated"
  fi
}

debian_has() { # PACKAGE:ARCH
  private apt-cache show "$1" >/dev/null 2>&1
}
debian_depends() { # PACKAGE:ARCH: the names it depends on, one a line
  private apt-cache show --no-all-versions "$1" | sed -n 's/^Depends: //p' | tr ',' '\n' \
    | sed 's/^ *//; s/[ :].*//'
}

# Downloads packages and unpacks them into one folder. The .debs are kept while its tree is being
# made, so that an interrupted run goes on where it stopped.
debian_unpack() { # FOLDER PACKAGE[:ARCH]...
  local folder=$1 deb
  local -a debs
  shift
  printf '  GET     %s\n' "$@"
  mapfile -t debs < <(cd "$apt_root/debs" && private apt-get download --print-uris "$@" \
    | sed -n "s/^'[^']*' \([^ ]*\) .*/\1/p")
  [ "${#debs[@]}" -eq $# ] || die "$debian has not all of $*"
  (cd "$apt_root/debs" && private apt-get download -qq "$@") \
    || die "$* could not be downloaded"
  for deb in "${debs[@]}"; do
    dpkg-deb -x "$apt_root/debs/$deb" "$folder" || die "$deb could not be unpacked"
    rm -f "$apt_root/debs/$deb"
  done
}

# Packages of Debian 12 have libraries outside of /usr as well.
debian_merge_usr() { # FOLDER
  [ -d "$1/lib" ] && [ ! -L "$1/lib" ] || return 0
  cp -a "$1/lib/." "$1/usr/lib"
  rm -rf "${1:?}/lib"
  ln -s usr/lib "$1/lib"
}
