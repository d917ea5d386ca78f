# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced: Debian's packages, downloaded and unpacked under $BUILD without touching the host's apt
# or dpkg. They are Debian 12's, for amd64 and arm64, unless another suite is asked for. apt runs on
# a root of its own for each suite, with the host's network settings (proxies and the like) and none
# of its sources or hooks; it checks signatures and hashes as usual.

BUILD=${BUILD:-build}
DEBIAN_MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
DEBIAN_SECURITY_MIRROR=${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
host_arch=$(dpkg --print-architecture)

die() { # MESSAGE...
  echo "error: $*" >&2
  exit 1
}

private() { # COMMAND...: any apt command, on the private root
  APT_CONFIG=$apt_root/apt.conf "$@"
}

# Chooses a suite for all that follows: writes its private root's settings, and refreshes its
# package lists once a day. Suites other than Debian 12's are only for programs of this host.
debian_prepare() { # [SUITE]
  local suite=${1:-bookworm} keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  local architectures="$host_arch"
  [ -e "$keyring" ] || die "$keyring is missing: apt-get install debian-archive-keyring"
  apt_root=$PWD/$BUILD/apt debian="Debian $suite"
  if [ "$suite" = bookworm ]; then
    debian='Debian 12' architectures='amd64 arm64'
  else
    apt_root+=-$suite
  fi
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
    echo 'Acquire::Languages "none";'
    echo 'Acquire::Retries "3";'
  } >"$apt_root/apt.conf"
  {
    echo "deb [signed-by=$keyring] $DEBIAN_MIRROR $suite main"
    [ "$suite" = sid ] \
      || echo "deb [signed-by=$keyring] $DEBIAN_SECURITY_MIRROR $suite-security main"
  } >"$apt_root/sources.list"
  if [ -z "$(find "$apt_root/updated" -mmin -1440 2>/dev/null)" ]; then
    echo "  APT     package lists of $debian, ${architectures/ / and }"
    private apt-get update -qq -o APT::Update::Error-Mode=any \
      || die "the package lists of $DEBIAN_MIRROR could not be read: is there a network?"
    touch "$apt_root/updated"
  fi
}

# Downloads packages and unpacks them into one folder. A .deb is kept while its tree is being made,
# so that an interrupted run goes on where it stopped.
debian_unpack() { # FOLDER PACKAGE:ARCH...
  local folder=$1 package deb
  shift
  for package in "$@"; do
    echo "  GET     $package"
    deb=$(cd "$apt_root/debs" && private apt-get download --print-uris "$package" \
      | sed -n "s/^'[^']*' \([^ ]*\) .*/\1/p")
    [ -n "$deb" ] || die "$debian has no package $package"
    (cd "$apt_root/debs" && private apt-get download -qq "$package") \
      || die "$package could not be downloaded"
    dpkg-deb -x "$apt_root/debs/$deb" "$folder" || die "$package could not be unpacked"
    rm -f "$apt_root/debs/$deb"
  done
}
