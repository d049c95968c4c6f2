#!/usr/bin/env bash
# What QGIS' plugin site scans an upload with, on the files that are shipped: bandit and detect-secrets, both silent.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
tools/setup.sh lint
venv=build/security
[ -x $venv/bin/detect-secrets ] || { "${PYTHON:-/usr/bin/python3}" -m venv $venv && $venv/bin/pip install -q bandit detect-secrets; }
shipped=(__init__.py plugin.py core processing_provider ui)
$venv/bin/bandit -q -r "${shipped[@]}" --skip B404
found=$($venv/bin/detect-secrets scan --all-files "${shipped[@]}" models resources CHANGELOG.md README.md LICENSE |
  "${PYTHON:-/usr/bin/python3}" -c 'import json, sys
for name, hits in sorted(json.load(sys.stdin)["results"].items()):
    for hit in hits:
        print(name, hit["line_number"], hit["type"])')
[ -z "$found" ] || { echo "$found" >&2; exit 1; }
echo "bandit and detect-secrets find nothing."
