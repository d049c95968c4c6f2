#!/usr/bin/env bash
# Install what is missing: tools/setup.sh PART..., the parts being `qgis` (always), `cluster`, `screenshot`, `lint`, ...
# Silent and without network when all is there; without apt or rights it says what to install and stops.
set -euo pipefail
python=${PYTHON:-/usr/bin/python3}

declare -A packages=(
  [qgis]="qgis python3-qgis qgis-providers python3-gdal python3-numpy python3-scipy python3-pyproj python3-matplotlib
          python3-pytest python3-hypothesis python3-venv"
  [cluster]="python3-distributed"
  [screenshot]="xvfb xauth imagemagick"
  [lint]="python3-venv"
  [translate]="qttools5-dev-tools"
)
declare -A commands=([qgis]="qgis_process" [cluster]="" [screenshot]="xvfb-run xauth import" [lint]="" [translate]="lrelease")
declare -A modules=([qgis]="qgis osgeo numpy scipy pyproj matplotlib pytest hypothesis ensurepip" [cluster]="distributed" [screenshot]="" [lint]="ensurepip" [translate]="")

missing() {
  local part command
  for part in "$@"; do
    for command in ${commands[$part]}; do
      command -v "$command" >/dev/null || { echo "$part"; continue 2; }
    done
    "$python" - ${modules[$part]} 2>/dev/null <<'PY' || echo "$part"
import importlib.util, sys
sys.exit(not all(map(importlib.util.find_spec, sys.argv[1:])))
PY
  done
}

needed=$(missing "$@")
[ -n "$needed" ] || exit 0
wanted=()
for part in $needed; do wanted+=(${packages[$part]}); done

root=()
[ "$(id -u)" = 0 ] || root=(sudo)
if ! command -v apt-get >/dev/null || ! { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }; then
  printf 'Please install (Debian package names), then run make again:\n  %s\n' "${wanted[*]}" >&2
  exit 1
fi
apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@"; }
echo "Installing from your distribution: ${wanted[*]}"
if ! { apt update && apt install -y --no-install-recommends "${wanted[@]}" >/dev/null; }; then
  printf 'apt-get failed (see above). Please install, then run make again:\n  %s\n' "${wanted[*]}" >&2
  exit 1
fi
still=$(missing "$@")
[ -z "$still" ] || { echo "Installed, yet $python still lacks something for: $still" >&2; exit 1; }
