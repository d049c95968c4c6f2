"""The package under its own name, whatever the checkout is called; QGIS where a test asks for it."""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
PACKAGE, ROOT = "commonground", Path(__file__).resolve().parents[1]


class NoQgis:
    """Makes QGIS and Qt impossible to import, as on a machine without them."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] in ("qgis", "PyQt5", "PyQt6", "PySide2", "PySide6", "sip"):
            raise ModuleNotFoundError(f"{name} is blocked in this run", name=name)
        return None


if os.environ.get("COMMONGROUND_NO_QGIS"):
    sys.meta_path.insert(0, NoQgis)
if PACKAGE not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        PACKAGE, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """The zip that `make package` would build of the working tree, None outside git; nothing is committed."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        return None
    folder = tmp_path_factory.mktemp("zip")
    (folder / "objects").mkdir()
    environment = {**os.environ, "GIT_INDEX_FILE": str(folder / "index"),
                   "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
                   "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(ROOT / ".git" / "objects")}

    def git(*arguments):
        command = ["git", "-c", "safe.directory=*", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True,
                              text=True).stdout.strip()

    git("add", "--all")
    archive = folder / "package.zip"
    git("archive", "--format=zip", "--prefix=commonground/", "-o", str(archive), git("write-tree"))
    return archive


@pytest.fixture(scope="session")
def qgis_app(tmp_path_factory):
    """One QGIS application for the whole session, on a clean profile."""
    profile = tmp_path_factory.mktemp("profile")
    os.environ["QGIS_CUSTOM_CONFIG_PATH"] = str(profile)
    core = pytest.importorskip("qgis.core")
    application = core.QgsApplication.instance() or core.QgsApplication([], True)
    application.initQgis()
    yield application
    application.exitQgis()


@pytest.fixture(scope="session")
def provider(qgis_app):
    """Our provider in the registry, Processing initialised."""
    from qgis.core import QgsApplication

    sys.path.append(str(Path(QgsApplication.pkgDataPath()) / "python" / "plugins"))
    from commonground.processing_provider.provider import CommonGroundProvider
    from processing.core.Processing import Processing

    Processing.initialize()
    ours = CommonGroundProvider()
    QgsApplication.processingRegistry().addProvider(ours)
    yield ours
    QgsApplication.processingRegistry().removeProvider(ours)
    Processing.deinitialize()


@pytest.fixture(scope="session")
def run_algorithm(provider):
    """Run one of our algorithms by its short id: `run_algorithm("nmadreport", {...}) -> results`."""
    import processing

    def run(name, parameters, **options):
        return processing.run(f"commonground:{name}", parameters, **options)

    return run


@pytest.fixture
def cluster(tmp_path):
    """The address of a real scheduler with two worker processes on this machine."""
    pytest.importorskip("distributed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "commonground").symlink_to(ROOT)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "path"), "OMP_NUM_THREADS": "1"}

    def start(*words):
        return subprocess.Popen([sys.executable, "-m", *words], env=environment, cwd=tmp_path,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    port = address.rpartition(":")[2]
    with contextlib.ExitStack() as processes:
        scheduler = start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
        workers = [start("distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny")
                   for _ in range(2)]
        for process in (*workers, scheduler):
            processes.callback(process.wait)
            processes.callback(process.terminate)
        yield address, workers
