"""What users type: qgis_process on the packed plugin in a clean profile, make, the README's examples."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "models" / "reframe_coregister_report.model3"
POINT = ROOT / "demo" / "data" / "greenland.geojson"
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def qgis_process(package, tmp_path_factory):
    """Run qgis_process with the unzipped package (outside git: this checkout) in a clean profile."""
    pytest.importorskip("qgis.core")
    sandbox = tmp_path_factory.mktemp("réf érence")
    environment = {**os.environ, "COMMONGROUND_SANDBOX": str(sandbox / "sandbox")}
    if package:
        with zipfile.ZipFile(package) as archive:
            archive.extractall(sandbox)
        environment["COMMONGROUND_PLUGIN"] = str(sandbox / "commonground")

    def run(*arguments):
        return subprocess.run([str(ROOT / "tools" / "clean_qgis.sh"), "qgis_process", *map(str, arguments)],
                              env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A smooth terrain, and the same 12 m too far west and 2 m too low, on paths with blanks and accents."""
    from osgeo import gdal, osr

    folder = tmp_path_factory.mktemp("deux modèles")
    utm = osr.SpatialReference()
    utm.ImportFromEPSG(32611)
    rows, cols = np.indices((240, 240)) * 30.0
    noise = np.random.default_rng(3)

    def write(name, east, up):
        x = cols - east
        heights = 150 * np.sin(x / 400) * np.cos(rows / 520) + 60 * np.sin((x + 2 * rows) / 300) + up
        path = folder / name
        dataset = gdal.GetDriverByName("GTiff").Create(str(path), 240, 240, 1, gdal.GDT_Float32)
        dataset.SetGeoTransform((400000, 30, 0, 3800000, 0, -30))
        dataset.SetSpatialRef(utm)
        dataset.GetRasterBand(1).WriteArray(heights + noise.normal(0, 0.3, heights.shape))
        return path

    return write("référence.tif", 0, 0), write("secondaire à l'ouest.tif", -12, -2)


def test_list_shows_the_algorithms(qgis_process):
    done = qgis_process("--json", "list")
    assert done.returncode == 0, done.stderr
    ours = json.loads(done.stdout)["providers"]["commonground"]["algorithms"]
    assert {"commonground:" + name for name in (
        "applyshifts", "blockwisecoregister", "nmadreport", "propagateepoch", "propagateepochraster",
        "reframeitrf", "reframeitrfraster")} <= set(ours)


def test_a_point_arrives_where_the_notebook_says(qgis_process, tmp_path):
    """ITRF2014-PMM, NOAM, 25 years at 70 N 50 W: the displacement of NSIDC's notebook in true metres."""
    done = qgis_process("--json", "run", "commonground:propagateepoch", "--",
                        f"INPUT={POINT}", "FRAME=ITRF2014", "EPOCH_FIELD=flown", "TARGET_EPOCH=2018.5",
                        "PLATE=NOAM", f"OUTPUT={tmp_path / 'sortie é.gpkg'}")
    assert done.returncode == 0, done.stderr + done.stdout
    results = json.loads(done.stdout)["results"]
    assert (results["COUNT"], results["SKIPPED"]) == (1, 0)
    assert [results[f"MEAN_{axis}"] for axis in ("EAST", "NORTH", "UP")] == \
        pytest.approx([-0.41262, 0.32966, 0.00071], abs=2e-5)
    assert (tmp_path / "sortie é.gpkg").exists()


def test_a_wrong_frame_is_one_sentence_that_names_the_choices(qgis_process, tmp_path):
    output = tmp_path / "out.gpkg"
    done = qgis_process("run", "commonground:reframeitrf", "--", f"INPUT={POINT}",
                        "SOURCE_FRAME=ITRF1993", "EPOCH=1993.5",
                        "TARGET_FRAME=ITRF2014", f"OUTPUT={output}")
    said = done.stdout + done.stderr
    assert done.returncode != 0 and not output.exists()
    assert "ITRF1993" in said and "ITRF2020" in said and "Traceback" not in said


def test_the_model_runs(qgis_process, pair, tmp_path):
    reference, secondary = pair
    outputs = {"coregister:Aligned DEM": tmp_path / "aligné.tif",
               "coregister:Shifts": tmp_path / "shifts.gpkg", "report:Report": tmp_path / "report.html"}
    done = qgis_process("--json", "run", MODEL, "--", f"REFERENCE={reference}", f"SECONDARY={secondary}",
                        "SOURCE_FRAME=ITRF2000", "EPOCH=2000.13", "TARGET_FRAME=ITRF2014",
                        "TARGET_EPOCH=2012.9", "MODEL=ITRF2014-PMM", "PLATE=NOAM", "BLOCK_SIZE=80",
                        *(f"{name}={path}" for name, path in outputs.items()))
    assert done.returncode == 0, done.stderr + done.stdout
    assert [path.name for path in outputs.values() if not path.exists()] == []

    from osgeo import gdal

    aligned = outputs["coregister:Aligned DEM"]
    first, second = (gdal.Open(str(path)).ReadAsArray() for path in (reference, aligned))
    dh = (first - second)[10:-10, 10:-10]
    assert abs(np.median(dh)) < 0.1 and 1.4826 * np.median(np.abs(dh - np.median(dh))) < 0.6


def test_make_lists_its_targets():
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=False)
    targets = {line.split()[1] for line in done.stdout.splitlines()}
    assert done.returncode == 0
    assert {"help", "setup", "demo", "test", "package", "screenshot", "lint", "clean"} <= targets


@pytest.mark.parametrize("part", ["qgis", "lint"])
def test_set_up_says_what_is_missing_where_nothing_can_be_installed(part, tmp_path):
    """Without apt-get on the path and with a Python that has no module at all."""
    for tool in ("bash", "id"):
        (tmp_path / tool).symlink_to(Path("/usr/bin") / tool)
    (tmp_path / "python3").symlink_to("/bin/false")
    done = subprocess.run(["/usr/bin/bash", str(ROOT / "tools" / "setup.sh"), part], capture_output=True,
                          text=True, env={"PATH": str(tmp_path), "PYTHON": str(tmp_path / "python3")},
                          check=False)
    assert done.returncode == 1 and "Please install" in done.stderr
    assert {"qgis": "python3-scipy", "lint": "python3-venv"}[part] in done.stderr


class TestReadme:
    def test_python_example_prints_what_it_says(self, tmp_path):
        example = re.search(r"```python\n(.+?)```", README, re.S)[1]
        (tmp_path / "commonground").symlink_to(ROOT)
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run([sys.executable, "-c", example], env=environment, capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == re.findall(r"^# (.+)$", example, re.M)

    def test_commands_use_parameters_that_exist(self, provider):
        from qgis.core import QgsProcessingModelAlgorithm

        blocks = re.findall(r"```bash\n(.+?)```", README, re.S)
        commands = [command for block in blocks for command in block.replace("\\\n", " ").splitlines()
                    if command.startswith("qgis_process run")]
        assert len(commands) >= 3
        for command in commands:
            target, _, parameters = command.removeprefix("qgis_process run ").partition(" -- ")
            if target.endswith(".model3"):
                algorithm = QgsProcessingModelAlgorithm()
                assert algorithm.fromFile(str(ROOT / target))
                algorithm.initAlgorithm()
            else:
                algorithm = provider.algorithm(target.removeprefix("commonground:"))
            used = re.findall(r"(?:^|\s)\"?([A-Za-z_]+(?::[A-Za-z ]+)?)=", parameters)
            known = {definition.name() for definition in algorithm.parameterDefinitions()}
            assert len(used) >= 4 and set(used) <= known

    def test_files_it_names_exist(self):
        named = re.findall(r"\]\(([^)]+)\)|`((?:core|demo|models|docs)/[\w./]+)`", README)
        assert [name for pair in named for name in pair if name and not (ROOT / name).exists()] == []
