"""The report in a real browser: it is drawn, says nothing in the console and asks nobody for anything."""

import json
import shutil
import subprocess
from urllib.parse import urlsplit

import numpy as np
import pytest
from commonground.core.coregistration.blocks import BlockShift
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.writing import RasterWriter
from commonground.core.report.comparison import compare
from commonground.core.report.document import write_html
from osgeo import gdal, osr

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
BY_ITSELF = {"accounts.google.com", "update.googleapis.com", "clients2.google.com", "clients4.google.com",
             "content-autofill.googleapis.com", "optimizationguide-pa.googleapis.com",
             "android.clients.google.com", "redirector.gvt1.com", "edgedl.me.gvt1.com", "www.google.com"}
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


def pair(folder):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32611)
    grid = Grid((400000.0, 10.0, 0.0, 3800000.0, 0.0, -10.0), 150, 120, reference.ExportToWkt())
    rows, cols = np.mgrid[:120, :150]
    truth, dems = 500 + 40 * np.sin(rows / 9) + 30 * np.cos(cols / 7), []
    noise = np.random.default_rng(1).normal(0, 1, truth.shape)
    for name, heights in (("a", truth), ("b", truth + 2 + noise), ("c", truth + noise / 2)):
        path = str(folder / f"{name} <ä>.tif")
        with RasterWriter(path, grid) as writer:
            writer.write(heights.astype(np.float32))
        dems.append(Dem.open(path))
    return dems


def browse(folder, page, *arguments):
    net = folder / "net.json"
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND",
         "--disable-sync", "--no-first-run", "--disable-default-apps",
         "--enable-logging=stderr", f"--user-data-dir={folder / 'profile'}", f"--log-net-log={net}",
         "--window-size=1200,3000", *arguments, page.as_uri()],
        capture_output=True, text=True, timeout=120)
    return done, json.loads(net.read_text(encoding="utf-8"))


def asked(log):
    """Hosts that the log of the network says were asked, less those that Chromium asks by itself."""
    urls = [event.get("params", {}).get("url", "") for event in log["events"]]
    return {urlsplit(url).hostname for url in urls if url.startswith(("http", "ws"))} - BY_ITSELF


def test_page_is_drawn_without_errors_and_without_the_network(tmp_path):
    blocks = [BlockShift(0, 0, (400000, 3798800, 400750, 3800000), 1.0, 2.0, 0.5, 0.1, 0.1, 0.1, 9000, 1.0, 0.5,
                         12.0, 3, "used"),
              BlockShift(0, 1, (400750, 3798800, 401500, 3800000), 1.0, 2.0, 0.5, status="filled")]
    page = tmp_path / "repört.html"
    write_html(compare(*pair(tmp_path), blocks=blocks, detail=True), str(page))
    picture = tmp_path / "page.png"
    done, log = browse(tmp_path, page, f"--screenshot={picture}")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "CONSOLE" not in done.stderr, done.stderr[-2000:]
    assert asked(log) == set()
    pixels = gdal.Open(str(picture)).ReadAsArray()[:3]
    assert pixels.shape[1:] == (3000, 1200)
    assert (pixels.min(axis=0) < 250).mean() > 0.05  # figures and text, not an empty page


def test_these_tests_see_errors_and_requests(tmp_path):
    page = tmp_path / "bad.html"
    page.write_text("<!DOCTYPE html><script>console.error('seen'); fetch('http://192.0.2.1/x')</script>",
                    encoding="utf-8")
    done, log = browse(tmp_path, page, f"--screenshot={tmp_path / 'bad.png'}", "--timeout=2000")
    assert "CONSOLE" in done.stderr and "192.0.2.1" in asked(log)
