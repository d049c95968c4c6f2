"""Many tiles onto one reference, each with its own shift field; what is done and unchanged is not done again."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import threading
import time
from array import array
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from ..errors import CommonGroundError, CoregistrationError, OutputError, RasterError
from ..executors import Inline, open_executor, run_each
from ..progress import Cancelled, Part, Progress
from ..raster.dem import Dem, open_dataset
from ..raster.grid import Grid, reproject, same_crs
from ..raster.masks import Polygons, StableTerrain
from ..raster.writing import Stage, arrange
from ..report.provenance import versions
from ..statistics.robust import NORMAL_MAD, quantiles
from ..statistics.streaming import Bins, Sketch
from .blocks import write_shifts
from .coregister import Coregistration, Settings, coregister
from .folder_lock import FolderLock
from .global_shift import overlap
from .journal import Journal, described, file_stamps, fingerprint
from .shift_field import TAG, ShiftField
from .stable_terrain import find_stable_terrain, narrowed
from .terrain_window import Pair
from .warp import replay_tags, warp

JOURNAL = "tiles.jsonl"
STAGE = ".commonground-tiles-"
KEY = TAG + "TILE"
LEAST_TASK = 6_000_000
"""Cells of a task for a cluster, whose scheduler takes 2 ms for each."""
SHARES = np.linspace(0.0, 1.0, 129)
POOL, PARTS = 1_000_000, (128, 8192)
"""Values that stand for the cells of all tiles, and of one."""
SIDE_POINTS = 9
DETAILS = ("_shifts.gpkg", "_shift_rasters.tif", "_aligned.tif")
"""What is written for a tile. The aligned DEM comes last: it bears the key of what it was made of."""
MASK = "_stable.tif"


@dataclass(frozen=True)
class TileFile:
    """A tile to align: a name of its own, its file, and the CRS (WKT) that replaces the file's, if any."""

    name: str
    path: str
    crs: str = ""


@dataclass(frozen=True)
class Plan:
    """How every tile is aligned.

    The fit's settings, the warp's kernel, whose cells the result has, whether the stable terrain is narrowed to what
    the DEMs show to be stable (see stable_terrain.py), and the layout of the aligned DEM (one of LAYOUTS).
    """

    settings: Settings
    kernel: str = "cubic"
    grid: str = "reference"
    auto_stable: bool = False
    layout: str = "plain"


@dataclass(frozen=True)
class TileResult:
    """What became of a tile.

    `status` is "done", "unchanged" (done by an earlier run) or "refused", and `reason` says why; of a tile that was
    aligned it says what to beware of. `footprint` is a ring of (x, y) in the reference's CRS. dx, dy, dz is the
    global shift (m), to ADD to the tile's position and height, with one standard deviation each. `count` is the
    number of stable cells that the statistics of dh (m) rest on, `quantiles` those of dh before and after at SHARES.
    """

    name: str
    path: str
    status: str
    reason: str = ""
    footprint: tuple = ()
    dx: float = math.nan
    dy: float = math.nan
    dz: float = math.nan
    sigma_dx: float = math.nan
    sigma_dy: float = math.nan
    sigma_dz: float = math.nan
    blocks: int = 0
    blocks_used: int = 0
    count: int = 0
    nmad_before: float = math.nan
    nmad_after: float = math.nan
    median_before: float = math.nan
    median_after: float = math.nan
    seconds: float = math.nan
    quantiles: tuple = ()

    @property
    def aligned(self) -> bool:
        """True where there is an aligned DEM."""
        return self.status != "refused"


@dataclass(frozen=True)
class Job:
    """A tile's work, described by paths, so that any worker can do it. `pair` holds the part of `reference` below."""

    tile: TileFile
    key: str
    pair: Pair
    reference: Dem
    place: tuple
    plan: Plan
    folder: str
    footprint: tuple


def align_tiles(tiles: list[TileFile], reference: Dem, terrain: StableTerrain, plan: Plan, folder: str,
                workers: int, scheduler: str, progress: Progress) -> list[TileResult]:
    """Align every tile to `reference` and write the results to `folder`; what became of each, in their order.

    `terrain` has its polygons in the reference's CRS. `workers` and `scheduler` as in `open_executor`: the results do
    not depend on them. A tile that cannot be aligned is refused and the others go on. What a journal in the folder
    tells to be done, of the same files with the same settings, is not done again. Raises CoregistrationError for
    settings that contradict each other, RasterError, OutputError (also where another run works in the folder),
    ExecutorError, Cancelled.
    """
    if reference.grid.rotated:
        raise RasterError(
            f"{reference.name} is rotated: warp it to a north-up grid before it serves as REFERENCE.")
    plan.settings.check()
    _refuse_overwriting(tiles, reference, terrain, folder)
    results: list = [None] * len(tiles)
    pending: dict = {}
    with FolderLock(folder), Journal(os.path.join(folder, JOURNAL)) as journal:
        ground = Ground(reference, terrain, plan, folder)
        for place, tile in enumerate(tiles):
            if place % 20 == 0:
                progress.step(0.05 * place / len(tiles), "Looking at the tiles")
            found = _looked_at(tile, ground, journal)
            if isinstance(found, Job):
                pending[place] = found
            else:
                results[place] = _told(found, progress)
        for place, (result, lasting) in _worked_off(pending, folder, workers, scheduler, Part(progress, 0.05, 1.0)):
            results[place] = _told(result, progress)
            if lasting:
                journal.put(result.name, pending[place].key, vars(result))
            _remove_outputs(folder, result, plan)
    return results


def _told(result: TileResult, progress: Progress) -> TileResult:
    if not result.aligned:
        progress.warn(f"{result.name}: {result.reason}")
    return result


def outputs(folder: str, name: str) -> list[str]:
    """The files of an aligned tile: shifts, shift rasters, aligned DEM."""
    return [os.path.join(folder, name + detail) for detail in DETAILS]


def mask_of(folder: str, name: str) -> str:
    """The mask of the stable terrain that was told automatically, on the reference's cells beneath the tile."""
    return os.path.join(folder, name + MASK)


def pooled(results: list[TileResult]) -> dict:
    """NMAD and median of dh (m) before and after over the cells of all aligned tiles; {} without any.

    From 129 quantiles of each tile, between which dh is taken to spread evenly: good to some thousandths of the NMAD.
    """
    aligned = [result for result in results if result.aligned]
    if not aligned:
        return {}
    parts = int(np.clip(POOL // len(aligned), *PARTS))
    middles = (np.arange(parts) + 0.5) / parts
    counts = np.repeat([result.count for result in aligned], parts)
    numbers = {}
    for index, state in enumerate(("before", "after")):
        dh = np.concatenate([np.interp(middles, SHARES, result.quantiles[index]) for result in aligned])
        (median,) = quantiles(dh, counts, (0.5,))
        numbers[f"median_{state}"] = median
        numbers[f"nmad_{state}"] = NORMAL_MAD * quantiles(np.abs(dh - median), counts, (0.5,))[0]
    return numbers


class Ground:
    """What the tiles share: the reference, the stable terrain, the plan, and the key of all that."""

    def __init__(self, reference: Dem, terrain: StableTerrain, plan: Plan, folder: str):
        self.reference, self.terrain, self.plan, self.folder = reference, terrain, plan, folder
        self._near = [(polygons, _envelopes(polygons)) for polygons in (terrain.stable, terrain.unstable)]
        mask = [described(terrain.mask), file_stamps(terrain.mask.path)] if terrain.mask else []
        self._key = fingerprint(versions()["Common Ground"], plan, described(reference), file_stamps(reference.path),
                                mask)

    def job(self, tile: TileFile, secondary: Dem) -> Job:
        """The work of a tile. Raises CoregistrationError without an overlap."""
        place = overlap(Pair(self.reference, secondary, self.terrain))
        row, col, height, width = place
        # A shift of half the tile can still be found: ground that far off may come to lie beneath it.
        around = self.reference.grid.window(row - height // 2, col - width // 2, 2 * height, 2 * width)
        stable, unstable = (_meeting(*polygons, around.bounds()) for polygons in self._near)
        unstable = unstable if unstable and unstable.wkb else None
        terrain = StableTerrain(stable, unstable, self.terrain.mask)
        areas = [[one.hex() for one in polygons.wkb] if polygons else None for polygons in (stable, unstable)]
        key = fingerprint(self._key, described(secondary), file_stamps(tile.path), areas)
        return Job(tile, key, Pair(self.reference.part(*place), secondary, terrain), self.reference, place,
                   self.plan, self.folder, _footprint(secondary.grid, self.reference.grid.crs))


def _envelopes(polygons: Polygons | None) -> np.ndarray:
    """xmin, xmax, ymin, ymax of each, `(n, 4)`."""
    from osgeo import ogr

    wkb = polygons.wkb if polygons else ()
    return np.array([ogr.CreateGeometryFromWkb(one).GetEnvelope() for one in wkb], dtype=float).reshape(-1, 4)


def _meeting(polygons: Polygons | None, envelopes: np.ndarray, bounds: tuple) -> Polygons | None:
    """Those of `polygons` that may meet a rectangle: a tile need not carry, nor draw, all of a continent's."""
    if polygons is None:
        return None
    xmin, ymin, xmax, ymax = bounds
    near = ((envelopes[:, 0] <= xmax) & (envelopes[:, 1] >= xmin)
            & (envelopes[:, 2] <= ymax) & (envelopes[:, 3] >= ymin))
    return replace(polygons, wkb=tuple(polygons.wkb[index] for index in np.flatnonzero(near)))


def _footprint(grid: Grid, crs: str) -> tuple:
    """The outline of a grid as a ring of (x, y) in another CRS; () where it cannot be expressed there."""
    along = np.linspace(0.0, 1.0, 2 if same_crs(grid.crs, crs) else SIDE_POINTS)[:-1]
    row = np.concatenate([along * 0, along, along * 0 + 1, 1 - along, [0.0]]) * grid.height - 0.5
    col = np.concatenate([along, along * 0 + 1, 1 - along, along * 0, [0.0]]) * grid.width - 0.5
    x, y = reproject(*grid.map_of(row, col), grid.crs, crs)
    return tuple(zip(x.tolist(), y.tolist())) if np.isfinite(x + y).all() else ()


def _looked_at(tile: TileFile, ground: Ground, journal: Journal) -> Job | TileResult:
    """The work to do for a tile, or what is known of it without any."""
    blank = TileResult(tile.name, tile.path, "refused")
    try:
        if os.path.realpath(tile.path) == os.path.realpath(ground.reference.path):
            raise CoregistrationError("It is the reference itself.")
        secondary = Dem.open(tile.path, crs=tile.crs)
        blank = replace(blank, footprint=_footprint(secondary.grid, ground.reference.grid.crs))
        job = ground.job(tile, secondary)
    except CommonGroundError as error:
        return replace(blank, reason=str(error))
    key, content = journal.get(tile.name)
    if key == job.key:
        known = TileResult(**{**content, "quantiles": _packed(content["quantiles"])})
        if not known.aligned:
            return known
        if _stands(job):
            return replace(known, status="unchanged")
    return job


def _targets(job: Job) -> list[str]:
    """All files of a tile in the order in which they appear."""
    return [mask_of(job.folder, job.tile.name)] * job.plan.auto_stable + outputs(job.folder, job.tile.name)


def _stands(job: Job) -> bool:
    """True where the tile's outputs are there, and are those of this job."""
    paths = _targets(job)
    if not all(os.path.isfile(path) for path in paths):
        return False
    try:
        return open_dataset(paths[-1]).GetMetadataItem(KEY) == job.key
    except RasterError:
        return False


def _worked_off(pending: dict, folder: str, workers: int, scheduler: str, progress: Progress) -> Iterator[tuple]:
    """`(place, (result, lasting))` of each job, as they come."""
    _remove_stages(folder)
    if not pending:
        return
    workers = workers or os.cpu_count() or 1
    try:
        with open_executor(workers, scheduler) as executor:
            if not scheduler and len(pending) < workers:
                yield from _one_by_one(pending, executor, progress)
            else:
                yield from _side_by_side(pending, executor, LEAST_TASK if scheduler else 1, progress)
    finally:
        _remove_stages(folder)


def _one_by_one(pending: dict, executor: Executor, progress: Progress) -> Iterator[tuple]:
    """Few tiles: all workers on each in turn."""
    for done, (place, job) in enumerate(pending.items()):
        yield place, align(job, executor, Part(progress, done / len(pending), (done + 1) / len(pending)))


def _side_by_side(pending: dict, executor: Executor, least: int, progress: Progress) -> Iterator[tuple]:
    """Many tiles: each is one worker's, the largest first, small ones in tasks of `least` cells."""
    stop = threading.Event() if least == 1 else None
    batches = _batches(pending, least)
    tasks = [([pending[place] for place in batch], stop) for batch in batches]
    try:
        for index, results in run_each(executor, align_all, tasks, progress, f"Aligning {len(pending)} tiles"):
            yield from zip(batches[index], results)
    finally:
        if stop is not None:
            stop.set()


def _batches(pending: dict, least: int) -> list[list]:
    sizes = {place: job.place[2] * job.place[3] for place, job in pending.items()}
    batches, room = [], 0
    for place in sorted(sizes, key=lambda place: (-sizes[place], place)):
        if room <= 0:
            batches.append([])
            room = least
        batches[-1].append(place)
        room -= sizes[place]
    return batches


class Stopped:
    """The progress of a tile that is one of many: it only hears that all is to end."""

    def __init__(self, stop: threading.Event | None):
        self._stop = stop

    def step(self, fraction: float, message: str = "") -> None:
        """Raise Cancelled once the run is."""
        if self._stop is not None and self._stop.is_set():
            raise Cancelled

    def warn(self, message: str) -> None:
        """What is to be said of a tile is in its result."""


def align_all(jobs: list[Job], stop: threading.Event | None = None) -> list[tuple[TileResult, bool]]:
    """`align` each of some jobs in the caller's thread until `stop` is set."""
    progress = Stopped(stop)
    return [align(job, Inline(progress), progress) for job in jobs]


def align(job: Job, executor: Executor, progress: Progress) -> tuple[TileResult, bool]:
    """Align one tile and write its files; what became of it, and whether that will last while nothing changes.

    A file that cannot be read today may be readable tomorrow. Raises OutputError, Cancelled.
    """
    began = time.perf_counter()
    result = TileResult(job.tile.name, job.tile.path, "refused", footprint=job.footprint)
    try:
        with Stage(STAGE) as stage:
            staged = [stage.path(path) for path in _targets(job)]
            job, notes = _on_stable_terrain(job, staged[0], executor, Part(progress, 0.0, 0.2))
            found = coregister(job.pair, job.plan.settings, executor, Part(progress, 0.2, 0.6))
            ground = _write(job, found, staged[-3:], executor, Part(progress, 0.6, 0.8))
            stable = _compared(job, ground, staged[-1], Part(progress, 0.8, 0.95))
            arrange(staged[-1], job.plan.layout, Part(progress, 0.95, 1.0))
            result = replace(result, status="done", **_numbers(job, found, notes), **stable)
    except CoregistrationError as error:
        return replace(result, reason=str(error), seconds=time.perf_counter() - began), True
    except RasterError as error:
        return replace(result, reason=str(error), seconds=time.perf_counter() - began), False
    return replace(result, seconds=time.perf_counter() - began), True


def _on_stable_terrain(job: Job, path: str, executor: Executor, progress: Progress) -> tuple[Job, tuple]:
    """The job on the terrain that is used, and what to say of that; `path` is where a mask is written."""
    if not job.plan.auto_stable:
        return job, ()
    found = find_stable_terrain(job.pair, path, job.plan.settings.seed, executor, progress)
    return replace(job, pair=narrowed(job.pair, found.mask)), (found.note,)


def _write(job: Job, found: Coregistration, staged: list, executor: Executor, progress: Progress) -> Dem:
    """Write a tile's files; the part of the reference to compare the aligned DEM with."""
    ground, secondary = job.pair.reference, job.pair.secondary
    grid = secondary.grid
    if job.plan.grid == "reference":
        ground = job.reference.part(*_reached(job, found.field))
        grid = ground.grid
    write_shifts(found.blocks, grid.crs if job.plan.grid == "reference" else job.reference.grid.crs, staged[0])
    found.field.write(staged[1], replay_tags(secondary, grid, job.plan.kernel, found.motion))
    warp(found.secondary, found.field, grid, job.plan.kernel, staged[2], executor, progress, {KEY: job.key})
    return ground


def _reached(job: Job, field: ShiftField) -> tuple:
    """The window of the reference to which the field takes the tile."""
    row, col, height, width = job.place
    grid = job.reference.grid
    east, north = grid.cell_metres(np.array([row, row + height - 1.0]))
    down = field.nodes[1][..., None] / north
    right = field.nodes[0][..., None] / east
    top = max(0, row + math.floor(down.min()))
    left = max(0, col + math.floor(right.min()))
    bottom = min(grid.height, row + height + math.ceil(down.max()))
    last = min(grid.width, col + width + math.ceil(right.max()))
    if bottom <= top or last <= left:
        raise CoregistrationError(f"{job.pair.secondary.name} is moved off {job.reference.name}: check their CRSs.")
    return top, left, bottom - top, last - left


def _compared(job: Job, ground: Dem, aligned: str, progress: Progress) -> dict:
    """Statistics of dh before and after on the stable cells that both states have."""
    from ..report.tiles import Tiles

    after = Dem.open(aligned, crs=ground.grid.crs if job.plan.grid == "reference" else job.pair.secondary.grid.crs)
    tiles = Tiles(ground, [job.pair.secondary, after], job.pair.terrain, job.plan.kernel, (0, 0, *ground.grid.shape))
    with contextlib.ExitStack() as files:
        read = tiles.open(files)
        sample = [read(window) for window in tiles.few()]
        first = [Sketch(Bins.around(np.concatenate([part.differences[state][part.common] for part in sample])))
                 for state in (0, 1)]
        _gather(tiles.windows(), read, first, Part(progress, 0.0, 0.5))
        if not first[0].moments.count:
            raise CoregistrationError(f"{job.reference.name} and {job.pair.secondary.name} have no stable cell with "
                                      "heights in both: check the mask, the polygons and the nodata areas.")
        second = [sketch.refine() for sketch in first]
        _gather(tiles.windows(), read, second, Part(progress, 0.5, 1.0))
    before, after = (part.summary() for part in second)
    return {"count": before.count, "nmad_before": before.nmad, "nmad_after": after.nmad,
            "median_before": before.median, "median_after": after.median,
            "quantiles": _packed([float(f"{value:.5g}") for value in part.quantiles(SHARES)] for part in second)}


def _packed(quantiles: Iterable) -> tuple:
    """Numbers of each state as they take the least memory: ten thousand tiles have millions."""
    return tuple(array("d", values) for values in quantiles)


def _gather(windows: list, read, counters: list, progress: Progress) -> None:
    for done, window in enumerate(windows):
        progress.step(done / len(windows), "Comparing")
        part = read(window)
        for dh, counter in zip(part.differences, counters):
            counter.add(dh[part.good])


def _numbers(job: Job, found: Coregistration, notes: tuple) -> dict:
    used = sum(block.usable for block in found.blocks)
    if not used and job.plan.settings.block_size:
        notes = (*notes, "No block could be used: it took the global shift.")
    return {**dict(zip(("dx", "dy", "dz"), (float(value) for value in found.shift))),
            **dict(zip(("sigma_dx", "sigma_dy", "sigma_dz"), (float(value) for value in found.sigma))),
            "blocks": len(found.blocks), "blocks_used": used, "reason": " ".join(notes)}


def _refuse_overwriting(tiles: list[TileFile], reference: Dem, terrain: StableTerrain, folder: str) -> None:
    inputs = {os.path.abspath(path) for path in (reference.path, *([terrain.mask.path] if terrain.mask else ()),
                                                 *(tile.path for tile in tiles))}
    for tile in tiles:
        for path in (mask_of(folder, tile.name), *outputs(folder, tile.name)):
            if os.path.abspath(path) in inputs:
                raise OutputError(f"OUTPUT would overwrite {path}, which is read: choose another folder.")


def _remove_outputs(folder: str, result: TileResult, plan: Plan) -> None:
    """Take away what an earlier run made of a tile and this one does not."""
    stale = [] if result.aligned and plan.auto_stable else [mask_of(folder, result.name)]
    for path in stale if result.aligned else [*stale, *outputs(folder, result.name)]:
        if os.path.exists(path):
            os.remove(path)


def _remove_stages(folder: str) -> None:
    """Take away what killed workers left."""
    for name in os.listdir(folder):
        if name.startswith(STAGE):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
