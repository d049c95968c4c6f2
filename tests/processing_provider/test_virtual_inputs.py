"""DEMs in archives and on servers: the same results as from files, in QGIS and on the command line."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tile_worlds import make_tiles
from worlds import constant_field, make_world

core = pytest.importorskip("qgis.core")
TESTS = Path(__file__).resolve().parents[1]
PROCESS = Path("/usr/bin/qgis_process.bin")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return make_world(tmp_path_factory.mktemp("world"), constant_field(8.0, 5.0, 1.0), size=300, slope=14, white=0.2)


@pytest.fixture(scope="module")
def virtual(world, tmp_path_factory):
    """The world's DEMs where only GDAL sees them: the reference and a mask in an archive, the secondary on a server."""
    folder = tmp_path_factory.mktemp("an archive")
    mask = gdal.Translate(str(folder / "mask.tif"), world.reference.path, outputType=gdal.GDT_Byte,
                          scaleParams=[[-1e9, 1e9, 1, 1]])
    mask = None  # noqa: F841  closed, and so written
    with zipfile.ZipFile(folder / "dems.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(world.reference.path, "in/reference.tif")
        archive.write(folder / "mask.tif", "mask.tif")
    server = subprocess.Popen([sys.executable, str(TESTS / "file_server.py"), str(Path(world.secondary.path).parent)],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        address = f"http://127.0.0.1:{int(server.stdout.readline())}"
        inside = f"/vsizip/{folder}/dems.zip"
        yield {"REFERENCE": f"{inside}/in/reference.tif", "MASK": f"{inside}/mask.tif",
               "SECONDARY": f"/vsicurl/{address}/{Path(world.secondary.path).name}"}
    finally:
        server.kill()
        server.wait()


def parameters(folder, inputs):
    return {**inputs, "BLOCK_SIZE": 150, "METHOD": "lzd", "OUTPUT": str(folder / "out.tif"),
            "REPORT": str(folder / "report.html")}


@pytest.fixture(scope="module")
def expected(run_algorithm, world, virtual, tmp_path_factory):
    """What the same files give."""
    folder = tmp_path_factory.mktemp("expected")
    run_algorithm("blockwisecoregister", parameters(folder, {
        "REFERENCE": world.reference.path, "SECONDARY": world.secondary.path}))
    return cells(folder / "out.tif")


def cells(path):
    return gdal.Open(str(path)).ReadAsArray()


def test_blockwise_reads_archives_and_servers(run_algorithm, virtual, expected, tmp_path):
    out = run_algorithm("blockwisecoregister", parameters(tmp_path, virtual))
    assert (out["SHIFT_X"], out["SHIFT_Y"], out["SHIFT_Z"]) == pytest.approx((8, 5, 1), abs=0.1)
    np.testing.assert_array_equal(cells(tmp_path / "out.tif"), expected)
    assert "secondary.tif" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_server_that_has_no_such_file_is_one_sentence(run_algorithm, virtual, tmp_path):
    with pytest.raises(core.QgsProcessingException) as error:
        run_algorithm("blockwisecoregister", parameters(tmp_path, {
            **virtual, "SECONDARY": virtual["SECONDARY"].replace("secondary", "nothing")}))
    assert "SECONDARY" in str(error.value) and "Traceback" not in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not PROCESS.exists(), reason="qgis_process is not installed")
def test_qgis_process_reads_archives_and_servers(virtual, expected, tmp_path):
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "commonground").symlink_to(TESTS.parent)
    profile = tmp_path / "profile" / "profiles" / "default" / "QGIS"
    profile.mkdir(parents=True)
    (profile / "QGIS3.ini").write_text("[PythonPlugins]\ncommonground=true\n", encoding="utf-8")
    environment = {**os.environ, "QGIS_PLUGINPATH": str(plugins), "HOME": str(tmp_path), "PYTHONWARNINGS": "ignore",
                   "QGIS_CUSTOM_CONFIG_PATH": str(tmp_path / "profile"), "QT_QPA_PLATFORM": "offscreen"}
    arguments = [f"{name}={value}" for name, value in parameters(tmp_path, virtual).items()]
    done = subprocess.run([str(PROCESS), "--json", "run", "commonground:blockwisecoregister", "--", *arguments],
                          env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"]["SHIFT_X"] == pytest.approx(8, abs=0.1)
    np.testing.assert_array_equal(cells(tmp_path / "out.tif"), expected)


def test_tiles_in_an_archive_and_on_a_server(run_algorithm, virtual, tmp_path):
    tiles = make_tiles(tmp_path, extra=False)
    with zipfile.ZipFile(tmp_path / "tiles.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("n0e0", "n1e1"):
            archive.write(tiles.folder / f"{name}.tif", f"deep/{name}.tif")

    def run(**given):
        out = run_algorithm("coregistertiles", {"REFERENCE": tiles.reference.path, "BLOCK_SIZE": 0, "METHOD": "lzd",
                                                "OUTPUT": str(tmp_path / "out"), **given})
        return out["TILES_DONE"], out["TILES_UNCHANGED"], out["TILES_REFUSED"]

    inside = f"/vsizip/{tmp_path}/tiles.zip"
    assert run(FOLDER=inside) == (2, 0, 0)
    assert run(FOLDER=inside) == (0, 2, 0)
    assert run(SECONDARIES=[f"{inside}/deep/n0e0.tif", f"{inside}/deep/n1e1.tif"]) == (0, 2, 0)
    served = {"REFERENCE": virtual["REFERENCE"], "MASK": virtual["MASK"], "SECONDARIES": [virtual["SECONDARY"]],
              "OUTPUT": str(tmp_path / "served")}
    assert [run(**served), run(**served)] == [(1, 0, 0), (0, 1, 0)]
    run_algorithm("coregistertiles", {"REFERENCE": tiles.reference.path, "BLOCK_SIZE": 0, "METHOD": "lzd",
                                      "FOLDER": str(tiles.folder), "OUTPUT": str(tmp_path / "files")})
    for name in ("n0e0", "n1e1"):
        np.testing.assert_array_equal(cells(tmp_path / "out" / f"{name}_aligned.tif"),
                                      cells(tmp_path / "files" / f"{name}_aligned.tif"))
