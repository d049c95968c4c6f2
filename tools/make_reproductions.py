# ruff: noqa: E501
"""Make docs/notebook.md and docs/gallery.md: two published examples done again (`make docs`, after `make demo`).

Every figure of ours in them is computed here, from the core and from the demo's results; so is the picture of stable
terrain in docs/coregistration.md.
"""

import csv
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
DOCS, DEMO = ROOT / "docs", ROOT / "demo_output"
sys.path.insert(0, str(ROOT / "build" / "qgis" / "plugins"))

NOTEBOOK_LON, NOTEBOOK_LAT = 34300.0, 111000.0
"""Metres in a degree as the notebook has them."""


def displacement(source, target, motion=None):
    """Degrees, metres of height and true metres (E, N, U) at 70 N 50 W, 1 m above the ellipsoid."""
    from commonground.core.frames.transform import displace

    moved = displace(-50.0, 70.0, 1.0, source, target, motion)
    return (float(moved.lon) + 50.0, float(moved.lat) - 70.0, float(moved.height) - 1.0,
            float(moved.east), float(moved.north), float(moved.up))


def notebook():
    """NSIDC's notebook, number by number."""
    from commonground.core.frames.transform import FrameEpoch, PlateMotion

    early, same = FrameEpoch("ITRF93", 1993.5), FrameEpoch("ITRF2014", 1993.5)
    frame = displacement(early, same)
    plate = displacement(same, FrameEpoch("ITRF2014", 2018.5), PlateMotion("ITRF2014-PMM", "NOAM"))
    both = displacement(early, FrameEpoch("ITRF2014", 2018.5), PlateMotion("ITRF2014-PMM", "NOAM"))
    printed = (("Frame, longitude", "0.005", frame, 0), ("Frame, latitude", "0.028", frame, 1),
               ("Frame, height", "0.005", frame, 2), ("25 years of plate motion, longitude", "0.37", plate, 0),
               ("25 years of plate motion, latitude", "0.33", plate, 1),
               ("25 years of plate motion, height", "0.0007", plate, 2))
    units = (NOTEBOOK_LON, NOTEBOOK_LAT, 1.0)
    rows = "\n".join(
        f"| {name} | {says} | {abs(values[axis]) * units[axis]:.6f} | {'ENU'[axis]} {values[axis + 3]:+.5f} |"
        for name, says, values, axis in printed)
    lon, lat = ((both[axis + 3] / both[axis]) for axis in (0, 1))
    return f"""# NSIDC's notebook, number by number

NSIDC's *Applying Coordinate Transformations to Facilitate Data Comparison* (of its package iceflow) moves points at 70 N
50 W from ITRF93, epoch 1993.5 (an early laser flight), to ITRF2014, epoch 2018.5 (ICESat-2), with PROJ. Here are the
figures that it prints, and ours for the same point. This page is made by `make docs`.

| largest change (m) | the notebook prints | ours in the notebook's units | ours in true metres |
|---|---|---|---|
{rows}

Both steps together, ITRF93 @ 1993.5 to ITRF2014 @ 2018.5: E {both[3]:+.4f} m, N {both[4]:+.4f} m, U {both[5]:+.4f} m; the
point arrives at {both[0] - 50:.12f}, {both[1] + 70:.12f}, {both[2] + 1:.6f} m.

## Where we agree

All six figures, to the digits that are printed. The degrees are the same; ours do not come from PROJ but from the IERS
parameters themselves (see [the explanation](explained.md)), evaluated at the epoch of the observation.

## Where we differ, and why

- **Metres in a degree.** The notebook turns degrees of longitude into metres with {NOTEBOOK_LON:,.0f} m a degree. On the
  ellipsoid a degree of longitude at 70 N is {lon:,.1f} m, one of latitude {lat:,.1f} m. So 0.37 m is really
  {abs(plate[3]):.2f} m: its eastward figures are {100 * (1 - NOTEBOOK_LON / lon):.1f} % too small. We give metres east,
  north and up.
- **Height.** The {abs(plate[5]) * 1000:.1f} mm that the height changes in 25 years are no uplift. A plate turns about the
  Earth's centre, and a point that is turned northwards on an ellipsoid comes to lie a little higher above it. No plate
  motion model knows vertical motion; in Greenland the ground rises by millimetres to more than a centimetre a year.
- **The new epoch is written down.** In the notebook's pipeline the time of a point stays 1993.5, so that running it twice
  moves the point twice. Our features carry the fields `frame` and `epoch`, our rasters their coordinate epoch.
- **The plate is looked up** for each point; the notebook's North America is fixed in its pipeline.
- **A date.** The notebook gives 5 May 1991 as 1991.35; it is day 125 of the year, 1991.340. We read dates and decimal years
  and count the true length of each year.
- **Shapes.** Its longitudes and latitudes are flattened along one axis and its heights along the other; with equal heights
  this does not show. Features keep their own heights here.

## Do it yourself

```bash
qgis_process run commonground:reframeitrf -- INPUT=demo/data/greenland.geojson SOURCE_FRAME=ITRF93 EPOCH_FIELD=flown \\
    TARGET_FRAME=ITRF2014 TARGET_EPOCH=2018.5 MODEL=ITRF2014-PMM OUTPUT=moved.gpkg REPORT=moved.html
```
"""


def differences(folder):
    """Median and NMAD (m) of the demo's difference rasters before and after, and their cells."""
    from commonground.core.statistics.robust import nmad
    from osgeo import gdal

    dh = []
    for state in ("before", "after"):
        dataset = gdal.Open(str(folder / f"difference_{state}.tif"))
        values = dataset.ReadAsArray().astype(float)
        values[values == dataset.GetRasterBand(1).GetNoDataValue()] = np.nan
        dh.append(values)
    both = np.isfinite(dh[0]) & np.isfinite(dh[1])
    return [(float(np.median(values[both])), float(nmad(values[both]))) for values in dh], int(both.sum()), dh


def blocks_of(path):
    """The blocks of a SHIFTS file, without QGIS."""
    from commonground.core.coregistration.blocks import BlockShift
    from osgeo import ogr

    source = ogr.Open(str(path))
    blocks = []
    for feature in source.GetLayer(0):
        west, east, south, north = feature.GetGeometryRef().GetEnvelope()
        values = {name: feature.GetField(name) for name in (
            "row", "col", "dx", "dy", "dz", "sigma_dx", "sigma_dy", "sigma_dz", "n", "nmad_before", "nmad_after",
            "slope", "iterations", "status", "reason")}
        values = {name: float("nan") if value is None else value for name, value in values.items()}
        blocks.append(BlockShift(bounds=(west, south, east, north), **values))
    return sorted(blocks, key=lambda block: (block.row, block.col))


def pictures(folder, name):
    """The figures of a demo run: its shift maps, its arrows, and dh before and after."""
    from commonground.core.report.arrow_map import arrow_map
    from commonground.core.report.figures import png, shift_maps

    blocks = blocks_of(folder / "shifts.gpkg")
    aspect = 1 / np.cos(np.radians(blocks[0].centre[1]))
    stats, cells, dh = differences(folder)
    made = {"shifts": shift_maps(blocks, aspect), "arrows": arrow_map(blocks, aspect),
            "differences": difference_figure(dh, stats, aspect)}
    for kind, figure in made.items():
        (DOCS / "images" / f"gallery_{name}_{kind}.png").write_bytes(png(figure, 90))
    return blocks, stats, cells


def difference_figure(dh, stats, aspect):
    """dh before and after on one scale."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    limit = abs(stats[0][0]) + 3 * stats[0][1]
    figure = Figure(figsize=(11, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2)
    for axis, values, (median, spread), title in zip(axes, dh, stats, ("Before", "After")):
        image = axis.imshow(values[::2, ::2], cmap="RdYlBu", vmin=-limit, vmax=limit, aspect=aspect)
        axis.set_title(f"{title}: median {median:+.2f} m, NMAD {spread:.2f} m")
        axis.set_xticks([])
        axis.set_yticks([])
    figure.colorbar(image, ax=axes, shrink=0.85, extend="both").set_label("dh (m)")
    return figure


def gallery():
    """xDEM's blockwise example on our data."""
    real, (before, after), cells = pictures(DEMO / "los_angeles", "los_angeles")
    known, (known_before, known_after), known_cells = pictures(DEMO / "known_truth", "known_truth")
    with open(DEMO / "los_angeles" / "report.csv", encoding="utf-8") as stream:
        groups = len(list(csv.reader(stream))) - 1
    def used(blocks):
        return sum(block.usable for block in blocks)

    return f"""# xDEM's blockwise gallery example, on our data

xDEM's gallery has an example *Blockwise coregistration*: a DEM is cut into blocks, Nuth and Kääb's method is run in each,
the X, Y and Z shifts are shown as heat maps, and the NMAD of the differences tells the gain. On its Longyearbyen data
**xDEM reports NMAD 3.42 m before and 2.20 m after**; these are its figures, quoted: the data are not bundled here, so we do
not claim any for them. What follows is the same workflow on the two pairs of the demo. This page is made by `make docs`
from the results of `make demo`.

| pair | cells | blocks used | median before | median after | NMAD before | NMAD after |
|---|---|---|---|---|---|---|
| GLO-30 - NASADEM, Los Angeles | {cells:,} | {used(real)} of {len(real)} | {before[0]:+.2f} | {after[0]:+.2f} | {before[1]:.2f} | {after[1]:.2f} |
| GLO-30 - its displaced copy | {known_cells:,} | {used(known)} of {len(known)} | {known_before[0]:+.2f} | {known_after[0]:+.2f} | {known_before[1]:.2f} | {known_after[1]:.2f} |

Metres; dh = reference - secondary on all cells that both have.

## Los Angeles: two sensors, thirteen years

The NASADEM of 2000 was moved to 2012.9 with the velocity of a GNSS station and then coregistered in blocks of 300 cells. The
gain is small because little is left to gain: at 30 m the two radars differ by more than their positions do.

![The shifts of the blocks](images/gallery_los_angeles_shifts.png)
![dh before and after](images/gallery_los_angeles_differences.png)
![Arrows with ellipses of one sigma](images/gallery_los_angeles_arrows.png)

Its full report has {groups} groups of cells (all, and by slope).

## A displaced copy: the truth is known

The same GLO-30, displaced by waves of up to 36 m east, 30 m north and 3 m up, with noise of 1 m: what must be found is known
at every cell, and the best NMAD that any shift could reach is about the noise, which the one resampling smooths a little.

![The shifts of the blocks](images/gallery_known_truth_shifts.png)
![dh before and after](images/gallery_known_truth_differences.png)
![Arrows with ellipses of one sigma](images/gallery_known_truth_arrows.png)

## The workflow, step by step

| xDEM's example | here |
|---|---|
| load reference, secondary, glacier outlines | choose them in *Blockwise Coregister*; outlines are `UNSTABLE` |
| `BlockwiseCoreg(NuthKaab(), block size)` | `METHOD=nuth_kaab` (the demo takes the default, `lzd`), `BLOCK_SIZE` |
| fit and apply block by block | blocks are judged, then one smooth field is solved from all stable cells; the DEM is warped once by it (`FIELD=smooth`) |
| heat maps of X, Y, Z | the dock, the report, and the `SHIFTS` layer with sigma, status and reason |
| NMAD before and after | outputs `NMAD_BEFORE`, `NMAD_AFTER`, and the report by slope class |

How both compare in accuracy, speed and memory on the same data is measured by `make bench`.
"""


def change_on(shape):
    """A glacier that thins by up to 25 m and patches of growth by 8 m, m of height."""
    from scipy import ndimage

    down, across = np.mgrid[:shape[0], :shape[1]] / shape[0]
    half, middle = 0.10 - 0.05 * down, 0.3 + 0.1 * np.sin(5 * down)
    thinning = -25 * np.clip(1.5 - 1.5 * np.abs(across - middle) / half, 0, 1) * (down < 0.7)
    noise = ndimage.gaussian_filter(np.random.default_rng(5).normal(size=shape), 14, mode="wrap")
    return np.where(thinning < 0, thinning, 8.0 * ((noise > np.quantile(noise, 0.95)) & (across > 0.5)))


def judged(secondary, change, folder):
    """dh (m) of GLO-30 and a DEM that has changed, its cells that AUTO_STABLE keeps."""
    from commonground.core.coregistration.stable_terrain import find_stable_terrain
    from commonground.core.coregistration.terrain_window import Pair
    from commonground.core.executors import open_executor
    from commonground.core.progress import Silent
    from commonground.core.raster.dem import Dem
    from commonground.core.raster.masks import StableTerrain
    from commonground.core.raster.resampling import Resampler
    from commonground.core.raster.writing import RasterWriter

    dem, path = Dem.open(str(secondary)), f"{folder}/{secondary.name}"
    with RasterWriter(path, dem.grid) as writer:
        writer.write((dem.read() + change).astype(np.float32))
    pair = Pair(Dem.open(str(ROOT / "demo" / "data" / "los_angeles" / "glo30.tif")), Dem.open(path), StableTerrain())
    with open_executor() as executor:
        found = find_stable_terrain(pair, f"{folder}/mask.tif", 0, executor, Silent())
    with Resampler(pair.secondary, pair.reference.grid) as resampler:
        dh = pair.reference.read() - resampler.window(0, 0, *pair.reference.grid.shape)
    return dh, found.mask.read() > 0


def stable_mask():
    """docs/images/stable_mask.png: what AUTO_STABLE leaves out of a pair whose change is known, and of the real one."""
    from commonground.core.report.figures import png
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with tempfile.TemporaryDirectory() as folder:
        copy = DEMO / "known_truth" / "displaced.tif"
        change = change_on(differences(DEMO / "known_truth")[2][0].shape)
        known, real = judged(copy, change, folder), judged(DEMO / "los_angeles" / "nasadem_2012.tif", 0.0, folder)
    figure = Figure(figsize=(12, 4.3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 4)
    changed = change != 0
    hit, lost = (~known[1] & changed).sum() / changed.sum(), (~known[1] & ~changed).sum() / (~changed).sum()
    said = ("Displaced copy: dh before,\noutlined: the change put in",
            f"left out (black): {hit:.0%} of the change,\n{lost:.0%} of the rest",
            "Los Angeles: dh before", f"left out (black): {1 - real[1].mean():.0%}")
    for place, (dh, kept) in enumerate((known, real)):
        limit = 3 * np.nanpercentile(np.abs(dh), 68)
        axes[2 * place].imshow(dh, cmap="RdYlBu", vmin=-limit, vmax=limit, aspect=1.2)
        axes[2 * place + 1].imshow(kept, cmap="gray", vmin=0, vmax=1, aspect=1.2)
    for axis in axes[:2]:
        axis.contour(changed, levels=[0.5], colors="#c03", linewidths=0.7)
    for axis, text in zip(axes, said):
        axis.set_title(text, fontsize=10)
        axis.set_xticks([])
        axis.set_yticks([])
    (DOCS / "images" / "stable_mask.png").write_bytes(png(figure, 90))


def main():
    stable_mask()
    print("docs/images/stable_mask.png")
    for name, make in (("notebook.md", notebook), ("gallery.md", gallery)):
        (DOCS / name).write_text(make(), encoding="utf-8")
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
