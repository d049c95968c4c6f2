"""Tables of what bench/run.py measured, and docs/performance.md made of them."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
NEEDED = ("speed-1.5", "speed-16", "speed-100", "field-constant", "field-planar", "field-curved", "field-sine",
          "field-step", "clean-16", "unmasked-16", "pieces", "cluster", "memory")
QUIET = 1.6  # load over 5 minutes: one process at a time, and little else


def write(results: Path) -> None:
    """docs/performance.md; refused while a section is missing or times were taken on a busy machine."""
    found = {path.stem: json.loads(path.read_text()) for path in results.glob("*.json")}
    missing = [section for section in NEEDED if section not in found]
    timed = [section for section in NEEDED if section.startswith(("speed-", "pieces", "cluster"))]
    busy = [section for section in timed if section in found and found[section]["load"] > QUIET]
    if missing or busy:
        raise SystemExit(f"docs/performance.md not written. Not measured: {', '.join(missing) or 'none'}. "
                         f"Measured on a busy machine: {', '.join(busy) or 'none'}.")
    if len({json.dumps([found[section][key] for key in ("machine", "versions", "core")]) for section in NEEDED}) > 1:
        raise SystemExit("docs/performance.md not written: the sections come from different machines, versions or "
                         "sources.")
    TARGET.write_text(_text(found), encoding="utf-8")
    print(TARGET)


def gist(section: str, result: dict) -> str:
    """A section in short, for the terminal."""
    busy = "" if result["load"] <= QUIET else f"\n(load {result['load']:.1f}: the times are noisy)"
    if section == "memory":
        return _peaks(result)
    if section == "cluster":
        return _cluster(result) + busy
    if section == "pieces":
        return _steps(result) + "\n" + _workers(result) + busy
    parts = [_times([result])] if "shape" in result else []
    if "floor" in result:
        parts.append(_floors([result]))
    return "\n".join([*parts, _fields([(section, result)]), _heights([(section, result)])]) + busy


def _text(found: dict) -> str:
    sizes = sorted((name for name in found if name.startswith("speed-")), key=lambda name: float(name[6:]))
    speeds = [found[name] for name in sizes]
    fields = [(name[6:], found[name]) for name in NEEDED if name.startswith("field-")]
    worlds = [(f"curved, {name[6:]} Mpx", found[name]) for name in sizes] + [
        ("curved, 16 Mpx, no mask", found["unmasked-16"]), ("curved, 16 Mpx, no noise", found["clean-16"])]
    one = found["speed-16"]
    return f"""# What it costs, and how near the truth it comes

Measured on {one['date']} by `make bench`, which makes its worlds, runs both programs in turn and writes this
page. Do not edit it.

- Machine: {one['machine']}.
- Common Ground {one['versions']['Common Ground']}; core alone, without QGIS, `lzd`, blocks of 500 cells.
- xDEM: {one['versions']['xDEM']}; `BlockwiseCoreg(NuthKaab())` as in its gallery, chunks of the same size.
- One thread each, unless said otherwise. Fit and apply are CPU seconds in the process, wall and CPU those of the whole
  process; medians of {len(speeds[0]['runs']['ours'])} runs at 1.5 Mpx, at larger sizes of
  {len(one['runs']['ours'])} of ours and {len(one['runs']['xdem'])} of xDEM's.

The worlds (`bench/worlds.py`): one analytic surface, cells of 20 m, evaluated where the cells of each DEM truly lie,
so that the truth is exact. The secondary has noise of 0.6 m + 3 tan(slope), half of its variance correlated over
90 m, 600 m and 3 km, 1 % heavy tails, up to 20 m of growth on 10 % of the ground; 1 % of the reference and 3.5 % of
the secondary are void.

## Time

{_times(speeds)}

xDEM's apply at 100 Mpx was not run.

## Memory

The most that a whole process holds, MB.

{_peaks(found["memory"])}

## Growth

{_growth(speeds)}

## The floor: plain GDAL, reading both and writing one

CPU seconds in the process. Ours is fit plus apply, reads both files in that codec and writes its own default (ZSTD 1
where GDAL has it).

{_floors(speeds)}

## Single steps, 16 Mpx, one thread, CPU

{_steps(found['pieces'])}

## Workers, 16 Mpx

{_workers(found['pieces'])}

## A cluster, 100 Mpx

The passes over all blocks by one thread of this machine, which keeps what it has read for the next pass, and by the
processes of a Dask cluster on the same machine, which read again. Seconds, wall; "the rest" is the global shift and the
solution of the field, which no worker shares.

{_cluster(found['cluster'])}

## The shift field against the truth

RMSE in metres, x / y / z. xDEM makes one plane of each component by an unseeded RANSAC: the median of
{len(fields[0][1]['score']['xdem_draws'])} draws.

{_fields(worlds)}

## Five kinds of shift, 1.5 Mpx

Blocks of 500 cells for constant, planar and curved, of 200 for sine (+-10 m over 1200 cells) and step, for both
programs.

{_fields(fields)}

{_heights(fields)}

NMAD and median (in brackets) of reference - aligned on stable terrain, metres. "xDEM" is its own output (linear
interpolation, which smooths noise); "its field" is the same planes under our cubic kernel, "true field" the truth
under it. Noise-free: the RMSE to the true surface of the noise-free secondary under each field.

## The heights, curved

{_heights(worlds)}
"""


def _times(results: list) -> str:
    lines = [["Mpx", "", "fit", "apply", "wall", "CPU"]]
    for result in results:
        for program, name in (("ours", "Common Ground"), ("xdem", "xDEM")):
            runs = result["runs"].get(program)
            if runs:
                applied = "apply" in runs[0]["phases"]
                lines.append([_mpx(result), name, _seconds(_phase(runs, "fit")),
                              _seconds(_phase(runs, "apply")) if applied else "-",
                              *(_seconds(_median(runs, key)) for key in ("wall", "cpu"))])
        lines.append(_ratios(result))
    return _table([line for line in lines if line])


def _ratios(result: dict) -> list:
    ours, theirs = result["runs"].get("ours"), result["runs"].get("xdem")
    if not ours or not theirs:
        return []
    whole = "apply" in theirs[0]["phases"]
    ratios = [_phase(theirs, "fit") / _phase(ours, "fit"),
              _phase(theirs, "apply") / _phase(ours, "apply") if whole else None,
              *(_median(theirs, key) / _median(ours, key) if whole else None for key in ("wall", "cpu"))]
    return [_mpx(result), "ratio", *("-" if ratio is None else f"{ratio:.1f}" for ratio in ratios)]


def _peaks(result: dict) -> str:
    lines = [["Mpx", "ours, one thread", "ours, two", "xDEM, fit alone"]]
    for size, peaks in result["peaks"].items():
        lines.append([size, *(f"{peaks[key]:.0f}" if key in peaks else "-" for key in ("1", "2", "xdem"))])
    return _table(lines)


def _growth(results: list) -> str:
    lines = [["Mpx", "ours fit, ns/px", "ours apply, ns/px", "xDEM fit, ns/px", "xDEM apply, ns/px"]]
    for result in results:
        cells = result["shape"][0] * result["shape"][1]
        ours, theirs = result["runs"]["ours"], result["runs"].get("xdem") or []

        def rate(runs, phase, cells=cells):
            known = runs and phase in runs[0]["phases"]
            return f"{_phase(runs, phase) / cells * 1e9:.0f}" if known else "-"

        lines.append([_mpx(result), rate(ours, "fit"), rate(ours, "apply"),
                      rate(theirs, "fit"), rate(theirs, "apply")])
    return _table(lines)


def _floors(results: list) -> str:
    lines = [["Mpx", "codec", "plain GDAL", "ours", "ratio"]]
    for result in results:
        for codec, runs in result["floor"].items():
            loop, ours = (_median(runs[key], "cpu") for key in ("loop", "ours"))
            lines.append([_mpx(result), codec, _seconds(loop), _seconds(ours), f"{ours / loop:.1f}"])
    return _table(lines)


def _steps(result: dict) -> str:
    steps = result["steps"]
    counted = steps["statistics"]
    return _table([
        ["step", "seconds", ""],
        ["warp, cubic", _seconds(steps["warp"]), ""],
        ["gdal.Warp, cubic, same shifts", _seconds(steps["gdal_warp"]),
         f"{steps['gdal_warp'] / steps['warp']:.1f} times ours; results differ by "
         f"{steps['warp_against_gdal_warp_nmad']:.4f} m (NMAD)"],
        ["all statistics of dh, two passes", _seconds(counted["seconds"]),
         f"{counted['both_ns']['cpu']:.1f} ns/px beyond reading; NMAD off by {counted['nmad_error_m']:.1e} m, any by "
         f"{counted['largest_error_m']:.1e} m"],
        ["- of which NMAD and quantiles", "", f"{counted['quantiles_ns']['cpu']:.1f} ns/px"],
        ["- and mean, STD, MAE, skewness", "", f"{counted['of_which_sums_ns']['cpu']:.1f} ns/px"],
    ])


def _workers(result: dict) -> str:
    lines = [["threads", "fit, wall", "apply, wall", "same cells as with one"]]
    for workers, found in result["workers"].items():
        walls = [_seconds(statistics.median(run[phase]["wall"] for run in found["runs"]))
                 for phase in ("fit", "apply")]
        same = "yes" if found["same_bits"] else "NO"
        lines.append([workers, *walls, "" if workers == "1" else same])
    return _table(lines)


def _cluster(result: dict) -> str:
    lines = [["", "blocks", "field", "the rest", "whole fit"]]
    for workers, found in result["passes"].items():
        blocks, field = (sum(found[message]) for message in ("Shifts of the blocks", "Shift field"))
        name = {"here": "this process", "1": "cluster, 1 process"}.get(workers, f"cluster, {workers} processes")
        lines.append([name, *map(_seconds, (blocks, field, found["fit"] - blocks - field, found["fit"]))])
    one, two = (result["passes"][workers] for workers in ("1", "2"))
    ratios = (f"{sum(one[key]) / sum(two[key]):.2f}" for key in ("Shifts of the blocks", "Shift field"))
    lines.append(["1 over 2", *ratios, "", f"{one['fit'] / two['fit']:.2f}"])
    return _table(lines)


def _fields(results: list) -> str:
    lines = [["field", "ours", "xDEM", "block shifts, ours", "our field there", "xDEM's block shifts", "blocks used"]]
    for name, result in results:
        score = result["score"]
        draws = score.get("xdem_draws")
        blocks = score["blocks"]
        theirs = _triple(statistics.median(draw[axis] for draw in draws) for axis in range(3)) if draws else "-"
        lines.append([name, _triple(score["ours"]["field"]), theirs,
                      *(_triple(blocks[key]) if blocks.get(key) else "-" for key in ("ours", "field", "xdem")),
                      f"{blocks['used']} of {blocks['count']}"])
    return _table(lines)


def _heights(results: list) -> str:
    lines = [["field", "before", "true field", "ours", "ours / true", "its field", "xDEM", "noise-free: true", "ours",
              "its field"]]
    for name, result in results:
        score = result["score"]
        nmads = [score.get(key) for key in ("before", "truth", "ours", "xdem", "xdem_output")]
        said = [f"{value['nmad']:.3f} ({value['median']:+.3f})" if value else "-" for value in nmads]
        ratio = f"{score['ours']['nmad'] / score['truth']['nmad']:.4f}"
        clean = [f"{score[key]['clean']:.3f}" if key in score else "-" for key in ("truth", "ours", "xdem")]
        lines.append([name, *said[:3], ratio, *said[3:], *clean])
    return _table(lines)


def _mpx(result: dict) -> str:
    return f"{result['shape'][0] * result['shape'][1] / 1e6:g}"


def _phase(runs: list, phase: str) -> float:
    return statistics.median(run["phases"][phase]["cpu"] for run in runs)


def _median(runs: list, key: str) -> float:
    return statistics.median(run[key] for run in runs)


def _seconds(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _triple(values) -> str:
    return " / ".join(f"{value:.2f}" for value in values)


def _table(lines: list) -> str:
    """Markdown, in columns that line up."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rows = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines]
    return "\n".join([rows[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *rows[1:]])
