#!/usr/bin/env bash
# Save docs/images/*.png: a real QGIS desktop in a clean profile on a virtual screen, the demo's jobs run in it.
# tools/screenshot.sh [LAST]: ends after the picture LAST, or after all; with an error where QGIS logs a Python error
# or a job fails.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
sandbox=$root/build/screenshot
export COMMONGROUND_TOOLS=$root/tools COMMONGROUND_PICTURES=${COMMONGROUND_PICTURES:-$root/docs/images}
export COMMONGROUND_LAST_PICTURE=${1:-}
mkdir -p "$COMMONGROUND_PICTURES"
rm -rf "$sandbox"
# Debian's wrapper starts qgis.bin; a plain build has qgis alone.
qgis=$(command -v qgis.bin || command -v qgis)
status=0
COMMONGROUND_SANDBOX=$sandbox QT_QPA_PLATFORM=xcb "$root/tools/clean_qgis.sh" \
  xvfb-run -a -s "-screen 0 1600x1000x24" timeout 400 \
  "$qgis" --noversioncheck --nologo --code "$root/tools/screenshot.py" >"$root/build/screenshot.log" 2>&1 || status=$?
grep '^\(screenshot\|desktop\):' "$root/build/screenshot.log" || true
if [ "$status" != 0 ]; then
  echo "The desktop ended with status $status; its output:" >&2
  cat "$root/build/screenshot.log" >&2
  exit 1
fi
