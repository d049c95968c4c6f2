#!/usr/bin/env bash
# Run the tests on other versions of QGIS, each in a Debian of its own: tools/test_versions.sh [SUITE...]
# Needs root and debootstrap; the suites (trixie: QGIS 3.40, sid: 3.44) are kept under build/versions (2.5 GB each).
# The mirror is the one this machine's apt uses, or $DEBIAN_MIRROR.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${COMMONGROUND_VERSIONS:-$root/build/versions}
[ "$(id -u)" = 0 ] || { echo "A chroot needs root: run make test-qgis-versions as root." >&2; exit 1; }
command -v debootstrap >/dev/null || apt-get install -y -qq debootstrap >/dev/null
mirror=${DEBIAN_MIRROR:-$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } |
  sed -nE 's/^(deb (\[[^]]*\] )?|URIs: )(https?:[^ ]+).*/\3/p' | grep -v security | head -1 || true)}
packages="qgis python3-qgis qgis-providers python3-pytest python3-scipy python3-pyproj python3-matplotlib gdal-bin
  python3-hypothesis make git"

inside() { chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root \
  QT_QPA_PLATFORM=offscreen PYTHONDONTWRITEBYTECODE=1 "${@:2}"; }

prepare() {
  local suite=$1 system=$home/$1
  [ -e "$system/.ready" ] && return
  rm -rf --one-file-system "$system"
  mkdir -p "$system"
  debootstrap --variant=minbase "$suite" "$system" "$mirror" >"$system.log" 2>&1 || return 1
  cp /etc/resolv.conf "$system/etc/"
  for settings in /etc/apt/apt.conf.d/99*; do
    [ ! -e "$settings" ] || cp "$settings" "$system/${settings#/}"
  done
  # A mirror or a clock may lag behind what sid's release file allows.
  echo 'Acquire::Check-Valid-Until "false";' >"$system/etc/apt/apt.conf.d/98-any-date"
  printf '#!/bin/sh\nexit 101\n' >"$system/usr/sbin/policy-rc.d"
  chmod +x "$system/usr/sbin/policy-rc.d"
  inside "$system" sh -c "apt-get update -q && apt-get install -q -y --no-install-recommends $(echo $packages)" \
    >>"$system.log" 2>&1 || return 1
  touch "$system/.ready"
}

run() {
  local suite=$1 system=$home/$1 status=0
  rm -rf "$system/src"
  mkdir -p "$system/src/commonground"
  tar -C "$root" --exclude=./build --exclude=./.git --exclude=./dist --exclude=./demo_output -cf - . |
    tar -C "$system/src/commonground" -xf -
  mount -t proc proc "$system/proc"
  inside "$system" sh -c 'cd /src/commonground && python3 - <<PY
import sys, numpy, scipy, pyproj, matplotlib
from osgeo import gdal
from qgis.core import Qgis
from qgis.PyQt.QtCore import QT_VERSION_STR
print("QGIS", Qgis.QGIS_VERSION, "Python", sys.version.split()[0], "numpy", numpy.__version__, "scipy",
      scipy.__version__, "pyproj", pyproj.__version__, "matplotlib", matplotlib.__version__, "GDAL",
      gdal.__version__, "Qt", QT_VERSION_STR)
PY
    tools/clean_qgis.sh python3 -m pytest -q' || status=$?
  umount "$system/proc"
  return "$status"
}

failed=()
for suite in "${@:-trixie sid}"; do
  for one in $suite; do
    echo "== $one"
    prepare "$one" || { echo "$one could not be set up, see $home/$one.log" >&2; exit 1; }
    [ -n "${COMMONGROUND_PREPARE_ONLY:-}" ] || run "$one" || failed+=("$one")
  done
done
[ "${#failed[@]}" = 0 ] || { echo "Tests fail on: ${failed[*]}" >&2; exit 1; }
