"""The scenario of docs/altimetry.md: 1993 against 2018 over Greenland, from files to elevation change.

    tools/clean_qgis.sh /usr/bin/python3 tools/altimetry_scenario.py [FOLDER]

Builds an ATM file of 1993 (qfit, ITRF93) and one of 2018 (HDF5, ITRF2014) of one made-up ground that moves with its
plate, and sinks where there is ice; imports, reframes and compares them; writes docs/images/altimetry.png and prints
the figures of the page.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), "/usr/share/qgis/python/plugins"]

import conftest  # noqa: E402, F401 - the package under its own name
import granules  # noqa: E402
from commonground.core.altimetry.elevation_change import PointSet, elevation_changes  # noqa: E402
from commonground.core.frames.transform import FrameEpoch, PlateMotion, displace  # noqa: E402
from commonground.core.statistics.robust import nmad  # noqa: E402
from qgis.core import QgsApplication, QgsProcessingException, QgsVectorLayer  # noqa: E402

LON, LAT = -50.0, 69.5
EAST, NORTH = 39_100.0, 111_560.0  # m a degree, about: the made-up ground needs no better
TARGET = FrameEpoch("ITRF2014", 2018.5)
MOTION = PlateMotion("ITRF2014-PMM", "NOAM")
ICE = 0.55  # of the flight line, from there on it is ice
LENGTH, NOISE, THINNING, REACH = 6000.0, 0.03, 0.4, 20.0
DATES = 1993 + 173.8 / 365, 2018 + 119.5 / 365
SHARPER = 1, 2, 4
"""How much shorter and lower the hills are: as steep, but so much more curved."""


def ground(lon, lat, year, sharper):
    """Height (m) of the ground in ITRF2014: hills of up to 20 degrees; the ice sinks by THINNING a year."""
    x, y = (lon - LON) * EAST * sharper, (lat - LAT) * NORTH * sharper
    hills = 90 * np.sin(x / 450) * np.cos(y / 600) + 40 * np.sin((x + 2 * y) / 400) + 0.02 * x
    sunk = np.where(x / sharper > ICE * LENGTH, THINNING * (year - DATES[0]), 0.0)
    return 900 + hills / sharper - sunk


def flight(count, width, seed):
    """lon, lat of shots along one line."""
    rng = np.random.default_rng(seed)
    return LON + np.sort(rng.uniform(0, LENGTH, count)) / EAST, LAT + rng.uniform(-width / 2, width / 2, count) / NORTH


def build(folder, sharper):
    """Both files, as the archive names them."""
    rng = np.random.default_rng(7)
    lon, lat = flight(6000, 160.0, 1)
    old = displace(lon, lat, ground(lon, lat, DATES[0], sharper) + rng.normal(0, NOISE, lon.size), TARGET,
                   FrameEpoch("ITRF93", DATES[0]), MOTION)
    rows = np.zeros((lon.size, 10), dtype=int)
    rows[:, 1], rows[:, 2] = np.round(old.lat * 1e6), np.round((old.lon + 360) * 1e6)
    rows[:, 3], rows[:, 9] = np.round(old.height * 1e3), 191503000 + np.arange(lon.size)
    granules.qfit(folder / "BLATM1B_19930623_191503.qi", rows, 10, header="/data/930623_aa_l12_itrf93.nav")
    lon, lat = flight(60000, 240.0, 2)
    new = displace(lon, lat, ground(lon, lat, DATES[1], sharper) + rng.normal(0, NOISE, lon.size), TARGET,
                   FrameEpoch("ITRF2014", DATES[1]), MOTION)
    granules.write_hdf5(folder / "ILATM1B_20180430_120000.ATM6AT6.h5", {
        "latitude": new.lat, "longitude": new.lon + 360, "elevation": new.height,
        "instrument_parameters/time_hhmmss": 120000 + np.linspace(0, 50, lon.size),
        "ancillary_data/reference_frame": ["ITRF2014"]})


def points(layer):
    """A layer's points, whatever frame they are in."""
    table = np.array([(p.x(), p.y(), p.z()) for p in (f.geometry().constGet() for f in layer.getFeatures())]).T
    empty = np.full(table.shape[1], np.nan)
    return PointSet(*table, empty, empty)


def main(folder):
    """Run the chain over hills of each kind and tell its figures; the picture is of the first."""
    application = QgsApplication([], False)
    application.initQgis()
    from commonground.processing_provider.provider import CommonGroundProvider
    from processing.core.Processing import Processing

    Processing.initialize()
    provider = CommonGroundProvider()
    QgsApplication.processingRegistry().addProvider(provider)
    for sharper in SHARPER:
        print(f"\nHills {sharper} time(s) as sharp")
        found = chain(folder / f"sharper_{sharper}", sharper)
        for title, difference in found.items():
            tell(title, *difference)
        if sharper == 1:
            picture(found)
    QgsApplication.processingRegistry().removeProvider(provider)


def chain(folder, sharper):
    """From the files to elevation change: title -> `(lon, lat, dh)`, of the layers as they come and reframed."""
    folder.mkdir(parents=True, exist_ok=True)
    build(folder, sharper)
    raw, moved = {}, {}
    for name, file in (("1993", "BLATM1B_19930623_191503.qi"), ("2018", "ILATM1B_20180430_120000.ATM6AT6.h5")):
        raw[name] = run("importaltimetry", INPUT=str(folder / file), OUTPUT=str(folder / f"{name}.gpkg"))
        moved[name] = run("reframeitrf", INPUT=raw[name], SOURCE_FRAME_FIELD="frame", EPOCH_FIELD="epoch",
                          HEIGHT_FIELD="height", TARGET_FRAME="ITRF2014", TARGET_EPOCH="2018.5",
                          OUTPUT=str(folder / f"{name}_itrf2014_2018.5.gpkg"))
        print(name, raw[name].crs().authid(), raw[name].featureCount(), "points,",
              {f["frame"] for f in raw[name].getFeatures()})
    try:
        run("elevationchange", INPUT_BEFORE=raw["1993"], INPUT_AFTER=raw["2018"], OUTPUT="memory:")
    except QgsProcessingException as error:
        print("refused:", error)
    where = points(raw["1993"])
    naive = next(elevation_changes(where, points(raw["2018"]), REACH))
    change = run("elevationchange", INPUT_BEFORE=moved["1993"], INPUT_AFTER=moved["2018"], DISTANCE=REACH,
                 OUTPUT=str(folder / "change.gpkg"))
    rows = [(f.geometry().constGet().x(), f.geometry().constGet().y(), f["dh"], f["sigma_dh"], f["dh_dt"])
            for f in change.getFeatures()]
    lon, lat, dh, sigma, rate = np.array(rows, dtype=float).T
    ice = (lon - LON) * EAST > ICE * LENGTH + 50
    off = np.abs(dh[is_rock(lon)]) / sigma[is_rock(lon)]
    print(f"sigma_dh, median: {np.median(sigma):.3f} m; of the rock within 1 sigma {np.mean(off < 1):.1%}, 3 sigma "
          f"{np.mean(off < 3):.1%}")
    print(f"dh/dt, median: ice {np.median(rate[ice]):.4f}, rock {np.median(rate[is_rock(lon)]):.4f} m/yr")
    return {"as the files are": (where.lon[naive.index], where.lat[naive.index], naive.dh),
            "both in ITRF2014 at 2018.5": (lon, lat, dh)}


def is_rock(lon):
    """Which points lie on rock for certain."""
    return (lon - LON) * EAST < ICE * LENGTH - 50


def tell(title, lon, lat, dh):
    """A difference over rock in figures."""
    dh = dh[is_rock(lon)]
    print(f"{title}: rock, n {dh.size}, median {np.median(dh):+.3f} m, NMAD {nmad(dh):.3f} m, 95 % within "
          f"{np.quantile(np.abs(dh), 0.95):.3f} m")


def run(name, **parameters):
    """The layer that an algorithm makes."""
    import processing

    output = processing.run(f"commonground:{name}", parameters)["OUTPUT"]
    return QgsVectorLayer(output, name, "ogr") if isinstance(output, str) else output


def picture(found):
    """Maps and histograms of both differences over the rock."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplot_mosaic([["a", "a", "c"], ["b", "b", "c"]])
    for key, colour, (title, (lon, lat, dh)) in zip("ab", ("0.55", "tab:blue"), found.items()):
        x, y, rock = (lon - LON) * EAST, (lat - LAT) * NORTH, is_rock(lon)
        dots = axes[key].scatter(x[rock] / 1000, y[rock], c=dh[rock], s=3, cmap="RdBu", vmin=-0.15, vmax=0.15)
        axes[key].set(title=f"dh 2018 - 1993 over rock, {title}", xlabel="along the flight line (km)",
                      ylabel="across (m)")
        axes["c"].hist(dh[rock], np.linspace(-0.2, 0.2, 81), color=colour, alpha=0.7, label=title)
    figure.colorbar(dots, ax=[axes["a"], axes["b"]], label="dh (m)")
    axes["c"].set(xlabel="dh over rock (m)", ylabel="pairs")
    axes["c"].legend(loc="upper left", fontsize=8)
    figure.savefig(ROOT / "docs" / "images" / "altimetry.png", dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "altimetry")
