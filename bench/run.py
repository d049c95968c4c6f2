"""Measure Common Ground's core against xDEM and against the machine: python bench/run.py all

    speed 1.5 16 100   time and accuracy at these sizes (Mpx), the two programs in turn
    accuracy           constant, planar, curved, sine and step fields at 1.5 Mpx; noise-free and without mask at 16
    pieces             the warp against gdal.Warp, streaming statistics, workers
    cluster            the passes over the blocks by the worker processes of a Dask cluster, 100 Mpx
    memory             what whole runs hold at most
    write              docs/performance.md from what was measured last
    all                these six, as the document wants them

Every run is a process of its own. What was measured lies in build/bench/results, one file a section.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import hashlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import document
import worlds

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build"
RESULTS, OUTPUTS = BUILD / "bench" / "results", BUILD / "bench" / "outputs"
XDEM = BUILD / "xdem"
# xDEM 0.2.3 fails with affine 3, and its apply step needs scikit-learn, which only an extra of it asks for.
REQUIREMENTS = ("xdem==0.2.3", "affine<3", "scikit-learn")
SINGLE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "GDAL_NUM_THREADS"), "1")
SPEED_SIZES = ("1.5", "16", "100")
REPEATS = {"1": 5, "1.5": 5, "4": 3}
OURS, FEWEST = 5, 3  # runs of ours, and of all else but xDEM, at least: seconds are noisier than minutes
FULL_XDEM = 20_000_000  # cells: above it xDEM's apply would take most of an hour, and only its fit is run
# Fields that turn within a block of 500 need smaller ones, for both programs.
FIELD_BLOCKS = {"constant": 500, "planar": 500, "curved": 500, "sine": 200, "step": 200}
DRAWS = 9
LOOK = 0.005  # seconds between two looks at a program's memory


def main() -> None:
    """Run the section that was asked for."""
    options = _options()
    sections = {"speed": lambda: speed(options), "accuracy": lambda: accuracy(options),
                "pieces": lambda: pieces(options), "cluster": lambda: cluster(options),
                "memory": lambda: memory(options),
                "write": lambda: document.write(RESULTS)}
    for section in sections if options.section == "all" else (options.section,):
        sections[section]()


def core_digest() -> str:
    """Of the sources that are measured."""
    digest = hashlib.sha256()
    for path in sorted((HERE.parent / "core").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


CORE = core_digest()


def speed(options) -> None:
    """All of one size, for every size."""
    for size in options.sizes or SPEED_SIZES:
        world = worlds.open_world(f"curved-{size}")
        repeats = options.repeats or REPEATS.get(size, 1)
        result = compare(f"curved-{size}", options, 500, repeats)
        result["floor"] = floors(world, max(repeats, FEWEST))
        save(f"speed-{size}", result)


def accuracy(options) -> None:
    """Five fields beside xDEM; then what only we are asked for."""
    for field, block in FIELD_BLOCKS.items():
        save(f"field-{field}", compare(f"{field}-1.5", options, block, 1))
    save("clean-16", own_only("curved-16-clean", options))
    save("unmasked-16", own_only("curved-16", options, masked=False))


def pieces(options) -> None:
    """Single steps and workers, at 16 Mpx."""
    folder = _folder("pieces")
    world = worlds.open_world("curved-16")
    shifts = str(folder / "shifts.tif")
    runs = {workers: [] for workers in (1, 2, 3)}
    for _ in range(FEWEST):
        for workers, those in runs.items():
            run = _ours(world, folder / f"{workers}.tif", options, 500, shifts=shifts, workers=workers)
            those.append(run["found"]["phases"])
    same = {workers: _digest(folder / f"{workers}.tif") == _digest(folder / "1.tif") for workers in runs}
    save("pieces", {"steps": measure([sys.executable, HERE / "pieces.py", "curved-16", shifts, folder])["found"],
                    "workers": {str(workers): {"runs": those, "same_bits": same[workers]}
                                for workers, those in runs.items()}})


def cluster(options) -> None:
    """The passes over the blocks of 100 Mpx by one thread here, and by one and two processes of a cluster."""
    world, folder = worlds.open_world("curved-100"), _folder("cluster")
    passes, bits = {}, {}
    # The first run brings the files into memory; the second counts.
    for workers in ("here", "here", 1, 2):
        shifts = folder / f"{workers}.tif"
        with contextlib.nullcontext("") if workers == "here" else _dask(workers) as address:
            run = _ours(world, folder / "none.tif", options, 500, shifts=str(shifts), scheduler=address, fit_only=True)
        passes[str(workers)] = {**run["found"]["passes"], "fit": run["found"]["phases"]["fit"]["wall"]}
        bits[str(workers)] = _digest(shifts)
    if len(set(bits.values())) > 1:
        raise SystemExit("cluster: the shift rasters are not the same to the last bit; nothing kept.")
    save("cluster", {"passes": passes})


@contextlib.contextmanager
def _dask(workers: int):
    """The address of a scheduler with so many worker processes of one thread."""
    path = BUILD / "bench" / "path"
    path.mkdir(parents=True, exist_ok=True)
    if not (path / "commonground").exists():
        (path / "commonground").symlink_to(HERE.parent)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    address = f"tcp://127.0.0.1:{port}"

    def start(*words):
        return subprocess.Popen([sys.executable, "-m", *words], env={**_environment(), "PYTHONPATH": str(path)},
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    with contextlib.ExitStack() as processes:
        for words in (("dask_scheduler", "--host", "127.0.0.1", "--port", port),
                      *[("dask_worker", address, "--nthreads", "1", "--no-nanny")] * workers):
            process = start(f"distributed.cli.{words[0]}", *words[1:], "--no-dashboard")
            processes.callback(process.wait)
            processes.callback(process.terminate)
        from distributed import Client

        with Client(address, timeout="30s") as client:
            client.wait_for_workers(workers, timeout=30)
        yield address


def memory(options) -> None:
    """What whole runs hold at most; the time that they take does not count, so this may be run on a busy machine."""
    peaks = {}
    for size in SPEED_SIZES:
        world, folder = worlds.open_world(f"curved-{size}"), _folder(f"curved-{size}")
        peaks[size] = {str(workers): _ours(world, folder / "ours.tif", options, 500, workers=workers)["peak"]
                       for workers in (1, 2)}
        if options.xdem != "none":
            peaks[size]["xdem"] = _xdem(world, folder / "xdem", 500, fit_only=True)["peak"]
    save("memory", {"peaks": peaks})


def compare(name: str, options, block: int, repeats: int) -> dict:
    """Both programs in turn on one world, `repeats` times, and what they found against the truth."""
    world = worlds.open_world(name)
    folder = _folder(name)
    large = world.shape[0] * world.shape[1] > FULL_XDEM
    fit_only = options.xdem == "fit" or large
    runs = {"ours": [], "xdem": []}
    for turn in range(max(repeats, OURS)):
        runs["ours"].append(_ours(world, folder / "ours.tif", options, block, shifts=str(folder / "shifts.tif")))
        if options.xdem != "none" and turn < repeats:
            runs["xdem"].append(_xdem(world, folder / "xdem", block, fit_only))
    found = {program: runs[program][-1]["found"] for program in runs if runs[program]}
    for run in runs["ours"] + runs["xdem"]:
        run["phases"] = run.pop("found")["phases"]
    return {"block": block, "shape": world.shape, "runs": runs, "notes": found["ours"]["notes"],
            "score": _score(world, folder, found, fit_only, options.xdem != "none")}


def own_only(name: str, options, masked: bool = True) -> dict:
    """Our field's error where there is nothing to compare with."""
    world = worlds.open_world(name)
    folder = _folder(name + ("" if masked else "-unmasked"))
    run = _ours(world, folder / "ours.tif", options, 500, shifts=str(folder / "shifts.tif"), masked=masked)
    found = {"ours": run.pop("found")}
    return {"runs": {"ours": [run]}, "notes": found["ours"]["notes"],
            "score": _score(world, folder, found, fit_only=True, with_xdem=False)}


def _score(world, folder: Path, found: dict, fit_only: bool, with_xdem: bool) -> dict:
    import accuracy as against_truth
    from commonground.core.coregistration.shift_field import ShiftField, read_shift_rasters
    from commonground.core.raster.dem import Dem

    truth = against_truth.true_field(world)
    field, _ = read_shift_rasters(str(folder / "shifts.tif"))
    none = ShiftField.constant(Dem.open(world.path("reference")).grid, (0.0, 0.0, 0.0))

    def of_field(field):
        nmad, median = against_truth.dh_by_field(world, field)
        return {"field": against_truth.field_rmse(world, field), "clean": against_truth.clean_rmse(world, field),
                "nmad": nmad, "median": median}

    used = [block[:5] for block in found["ours"]["blocks"] if block[-1] in ("used", "downweighted")]
    blocks = found["ours"]["blocks"]
    score = {"before": of_field(none), "truth": of_field(truth), "ours": of_field(field),
             "blocks": {"ours": against_truth.block_rmse(world, used) if used else None,
                        "field": against_truth.block_rmse(world, _at_centres(field, blocks))}}
    score["blocks"]["count"], score["blocks"]["used"] = len(blocks), len(used)
    if with_xdem:
        score["blocks"]["xdem"] = against_truth.block_rmse(world, found["xdem"]["blocks"])
        draws = _xdem_planes(folder / "xdem.json", found["xdem"])
        plane_fields = [against_truth.plane_field(world, draw) for draw in draws]
        score["xdem"] = of_field(plane_fields[0])
        score["xdem_draws"] = [against_truth.field_rmse(world, plane) for plane in plane_fields]
        if not fit_only:
            nmad, median = against_truth.dh_of_raster(world, str(folder / "xdem" / "aligned_dem.tif"))
            score["xdem_output"] = {"nmad": nmad, "median": median}
    return score


def _at_centres(field, blocks):
    rows, cols = field.grid.cell_of(*zip(*[block[:2] for block in blocks]))
    return [[*block[:2], *map(float, shift)] for block, shift in zip(blocks, field.at(rows, cols).T)]


def floors(world, repeats: int) -> dict:
    """Plain GDAL beside our own run, on the same files, uncompressed and in two codecs."""
    from floor import CODECS

    folder = _folder(f"floor-{world.folder.name}")
    found = {}
    for codec in CODECS:
        files = {layer: _compressed(world, layer, folder, codec) for layer in ("reference", "secondary")}
        loops, ours = [], []
        for _ in range(repeats):
            loops.append(measure([sys.executable, HERE / "floor.py", files["reference"], files["secondary"],
                                  folder / "copy.tif", "--codec", codec])["found"]["phases"]["loop"])
            run = measure([sys.executable, HERE / "ours.py", files["reference"], files["secondary"],
                           folder / "ours.tif", "--mask", world.path("stable")])
            ours.append({part: sum(run["found"]["phases"][phase][part] for phase in ("fit", "apply"))
                         for part in ("wall", "cpu")})
        found[codec] = {"loop": loops, "ours": ours}
    shutil.rmtree(folder)
    return found


def _compressed(world, layer: str, folder: Path, codec: str) -> str:
    from floor import CODECS
    from osgeo import gdal

    if codec == "none":
        return world.path(layer)
    path = str(folder / f"{layer}-{codec}.tif")
    gdal.Translate(path, world.path(layer), creationOptions=["TILED=YES", "BIGTIFF=IF_SAFER", *CODECS[codec]])
    return path


def _ours(world, output, options, block, shifts="", workers=1, masked=True, scheduler="", fit_only=False) -> dict:
    command = [sys.executable, HERE / "ours.py", world.path("reference"), world.path("secondary"), output,
               "--block", block, "--workers", workers, "--method", options.method, "--shifts", shifts,
               "--scheduler", scheduler]
    return measure(command + (["--mask", world.path("stable")] if masked else [])
                   + (["--fit-only"] if fit_only else []))


def _xdem(world, folder: Path, block: int, fit_only: bool) -> dict:
    shutil.rmtree(folder, ignore_errors=True)
    run = measure([_xdem_python(), HERE / "theirs.py", world.path("reference"), world.path("secondary"), folder,
                   "--mask", world.path("stable"), "--block", block] + (["--fit-only"] if fit_only else []))
    folder.with_suffix(".json").write_text(json.dumps(run["found"]))
    return run


def _xdem_planes(result: Path, found: dict) -> list:
    draws = measure([_xdem_python(), HERE / "theirs.py", "--planes", result, "--draws", DRAWS])["found"]
    return [found["plane"], *draws[1:]] if found["plane"] else draws


def _xdem_python() -> Path:
    """xDEM's own environment, made when it is not there."""
    python = XDEM / "bin" / "python"
    if not (XDEM / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", XDEM], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
        (XDEM / "ready").touch()
    return python


def measure(command: list) -> dict:
    """Run a program that prints JSON: its wall and CPU seconds, peak memory (MB) and what it printed."""
    command = [str(word) for word in command]
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as complaints:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=printed, stderr=complaints, env=_environment())
        peak, ended = 0.0, 0
        while not ended:
            peak = max(peak, _resident(process.pid))
            time.sleep(LOOK)
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        complaints.seek(0)
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(command)}\n{complaints.read().decode()}")
        lines = printed.read().decode().strip().splitlines()
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": peak, "found": json.loads(lines[-1])}


def _environment() -> dict:
    """One thread each, and modules compiled once, as everywhere."""
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**usual, **SINGLE}


def _resident(process: int) -> float:
    """The most memory (MB) that a process has held since it began; 0 where the system does not tell.

    ru_maxrss would count what the parent held when it started the process.
    """
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    return sum(float(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def save(section: str, result: dict) -> None:
    """Keep what was measured with when, where and by what, and say the gist of it."""
    if core_digest() != CORE:
        raise SystemExit(f"{section}: core changed while it was measured; nothing kept.")
    RESULTS.mkdir(parents=True, exist_ok=True)
    result.update(core=CORE, date=datetime.date.today().isoformat(), load=os.getloadavg()[1], machine=machine(),
                  versions=versions())
    (RESULTS / f"{section}.json").write_text(json.dumps(result, indent=1))
    print(f"{section}:\n{document.gist(section, result)}\n", flush=True)


def machine() -> str:
    """Processor, cores, memory, system."""
    model = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                 if line.startswith("model name")]
        model = names[0] if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}"


def versions() -> dict:
    """Of all that the two programs stand on."""
    import numpy
    import scipy
    from osgeo import gdal

    metadata = (HERE.parent / "metadata.txt").read_text()
    own = next(line.split("=")[1].strip() for line in metadata.splitlines() if line.startswith("version="))
    found = {"Common Ground": f"{own} (Python {platform.python_version()}, numpy {numpy.__version__}, "
                              f"scipy {scipy.__version__}, GDAL {gdal.__version__})"}
    if (XDEM / "ready").exists():
        script = ("import sys, importlib.metadata as m; print(*('%s %s' % (p, m.version(p)) for p in "
                  "('xdem', 'geoutils', 'numpy', 'scipy', 'rasterio', 'scikit-learn')), sep=', ')")
        found["xDEM"] = subprocess.run([XDEM / "bin" / "python", "-c", script], check=True, capture_output=True,
                                       text=True).stdout.strip()
    return found


def _folder(name: str) -> Path:
    folder = OUTPUTS / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _digest(path) -> str:
    """Of a raster's cells."""
    from osgeo import gdal

    raster = gdal.Open(str(path))
    digest = hashlib.sha256()
    for row in range(0, raster.RasterYSize, 256):
        digest.update(raster.ReadAsArray(0, row, raster.RasterXSize, min(256, raster.RasterYSize - row)).tobytes())
    return digest.hexdigest()


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("section", choices=("speed", "accuracy", "pieces", "cluster", "memory", "write", "all"))
    parser.add_argument("sizes", nargs="*", help=f"Mpx, of {', '.join(worlds.SIZES)}")
    parser.add_argument("--repeats", type=int, help="runs of each program (default 5 up to 1.5 Mpx, then fewer)")
    parser.add_argument("--xdem", choices=("full", "fit", "none"), default="full",
                        help="run all of xDEM, its fit alone (always so above 20 Mpx), or not at all")
    parser.add_argument("--method", default="lzd", help="ours: nuth_kaab, lzd")
    return parser.parse_args()


if __name__ == "__main__":
    main()
