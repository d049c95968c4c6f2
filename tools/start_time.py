"""What the plugin adds to QGIS' start, in milliseconds: `make start-time`; ends with an error above the limit.

The median of several fresh processes after one that compiles the bytecode, as from the second start on.
"""

import os
import statistics
import subprocess
import sys
import tempfile

LIMIT, RUNS = 150.0, 7
START = """
import sys, time
sys.path.insert(0, sys.argv[1])
from qgis.core import QgsApplication
application = QgsApplication([], True)
application.initQgis()
began, spent = time.perf_counter(), time.process_time()
from commonground import classFactory
plugin = classFactory(None)
plugin.initProcessing()
print(1000 * (time.perf_counter() - began), 1000 * (time.process_time() - spent), len(plugin.provider.algorithms()))
plugin.unload()
"""


def start(cache):
    """One fresh process: milliseconds by the clock and of the processor, and the number of algorithms."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run([sys.executable, "-c", START, os.environ["QGIS_PLUGINPATH"]], env=environment,
                          capture_output=True, text=True, check=True)
    took, spent, algorithms = done.stdout.split()
    return float(took), float(spent), int(algorithms)


def main():
    with tempfile.TemporaryDirectory() as cache:
        *_, algorithms = start(cache)
        times, spent = zip(*(start(cache)[:2] for _ in range(RUNS)))
    median = statistics.median(times)
    print(f"{algorithms} algorithms in {median:.0f} ms (median of {RUNS}, {min(times):.0f} to {max(times):.0f}); "
          f"{statistics.median(spent):.0f} ms are computing, the rest is a busy machine or a slow disk")
    sys.exit(0 if median < LIMIT else f"more than {LIMIT:.0f} ms")


if __name__ == "__main__":
    main()
