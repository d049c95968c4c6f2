#!/usr/bin/env bash
# Install a zip into a real QGIS desktop with a clean profile, use it, unload it: tools/smoke.sh ZIP
# Ends with an error where QGIS logs an error or a warning, or where something is left behind.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
sandbox=$root/build/smoke
rm -rf "$sandbox"
mkdir -p "$sandbox/results" "$sandbox/profile/profiles/default/QGIS"
# A blank and an accent, as a Downloads folder may have; an apostrophe trips QGIS 3.22's own installer.
mkdir -p "$sandbox/mes téléchargements"
zip="$sandbox/mes téléchargements/$(basename "$1")"
cp "$1" "$zip"
# No question goes out to the network.
cat >"$sandbox/profile/profiles/default/QGIS/QGIS3.ini" <<'INI'
[app]
plugin_installer\checkOnStart=false
plugin_repositories\QGIS%20Official%20Plugin%20Repository\enabled=false
plugin_repositories\QGIS%20Official%20Plugin%20Repository\url=https://plugins.qgis.org/plugins/plugins.xml
[qgis]
checkVersion=false
[core]
NewsFeed\httpsfeedqgisorg\disabled=true
INI
export COMMONGROUND_SANDBOX=$sandbox COMMONGROUND_PLUGIN=none COMMONGROUND_ZIP=$zip COMMONGROUND_TOOLS=$root/tools
export COMMONGROUND_RESULTS=$sandbox/results COMMONGROUND_DEMS=$root/demo/data/los_angeles
qgis=$(command -v qgis.bin || command -v qgis)
status=0
PYTHONWARNINGS=default QT_QPA_PLATFORM=xcb "$root/tools/clean_qgis.sh" \
  xvfb-run -a -s "-screen 0 1600x1000x24" timeout 400 \
  "$qgis" --noversioncheck --nologo --code "$root/tools/smoke.py" >"$root/build/smoke.log" 2>&1 || status=$?
grep '^smoke:' "$root/build/smoke.log" || true
if [ "$status" != 0 ] || grep -q 'Traceback\|Error:' "$root/build/smoke.log"; then
  echo "The desktop ended with status $status; its output:" >&2
  cat "$root/build/smoke.log" >&2
  exit 1
fi
