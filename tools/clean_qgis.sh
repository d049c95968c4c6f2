#!/usr/bin/env bash
# Run a command where QGIS finds this plugin, a clean profile and nothing of the user's: tools/clean_qgis.sh COMMAND...
# Everything lies under build/qgis, or under $COMMONGROUND_SANDBOX; the plugin is $COMMONGROUND_PLUGIN, or this checkout,
# or not there at all where that is "none".
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
sandbox=${COMMONGROUND_SANDBOX:-$root/build/qgis}
mkdir -p "$sandbox"/{home,run,plugins,profile/profiles/default/QGIS}
sandbox=$(cd "$sandbox" && pwd)
chmod 700 "$sandbox/run"
plugin=${COMMONGROUND_PLUGIN:-$root}
[ "$plugin" = none ] || ln -sfn "$plugin" "$sandbox/plugins/commonground"
settings=$sandbox/profile/profiles/default/QGIS/QGIS3.ini
[ -e "$settings" ] || printf '[PythonPlugins]\ncommonground=true\n' >"$settings"

export HOME=$sandbox/home XDG_RUNTIME_DIR=$sandbox/run
export QGIS_PLUGINPATH=$sandbox/plugins QGIS_CUSTOM_CONFIG_PATH=$sandbox/profile
export QT_QPA_PLATFORM=${QT_QPA_PLATFORM-offscreen} LC_ALL=C.UTF-8
export PYTHONWARNINGS=${PYTHONWARNINGS-ignore} PYTHONDONTWRITEBYTECODE=1
unset PYTHONPATH PYTHONHOME XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME

# Debian's wrapper passes qgis_process an option that it does not know.
if [ "$1" = qgis_process ] && command -v qgis_process.bin >/dev/null; then
  set -- qgis_process.bin "${@:2}"
fi
exec "$@"
