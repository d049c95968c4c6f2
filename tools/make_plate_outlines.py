"""Make core/frames/data/plate_outlines.csv from the PyPI package platemotion (its NNR-MORVEL56 outlines).

    pip download --no-deps platemotion==0.1.7
    python tools/make_plate_outlines.py platemotion-0.1.7-py3-none-any.whl

The 56 rings of the package tile the Earth exactly: each edge belongs to one plate in one direction and to
its neighbour in the other. So each boundary is kept once, as arcs between triple junctions with the plate
on either side. Nothing is simplified.
"""
from __future__ import annotations

import csv
import sys
import zipfile
from pathlib import Path

OUTPUT = Path(__file__).parents[1] / "core" / "frames" / "data" / "plate_outlines.csv"
FOLDER = "platemotion/data/NnrMRVL_PltBndsLatLon/"


def read_rings(wheel):
    """Return {plate code: ring of (lon, lat) in thousandths of a degree}, counter-clockwise, closed."""
    rings = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if not name.startswith(FOLDER) or name.endswith(("/", "All_boundaries")):
                continue
            ring = []
            for line in archive.read(name).decode("ascii").splitlines()[1:]:
                lat, lon = (round(float(word) * 1000) for word in line.split())
                vertex = ((lon + 180_000) % 360_000 - 180_000, lat)
                if not ring or vertex != ring[-1]:
                    ring.append(vertex)
            rings[name[len(FOLDER):].upper()] = ring
    return rings


def make_arcs(rings):
    """Return (left, right, vertices) for each boundary between two plates, each boundary once."""
    left = {}
    for plate, ring in rings.items():
        edges = set(zip(ring, ring[1:]))
        # An edge passed in both directions is a spike without area (Molucca Sea has one).
        left.update((edge, plate) for edge in edges if edge[::-1] not in edges)
    arcs = []
    for plate, ring in rings.items():
        for edge in zip(ring, ring[1:]):
            neighbour = left.get(edge[::-1])
            if left.get(edge) != plate or plate > neighbour:
                continue
            if arcs and arcs[-1][:2] == (plate, neighbour) and arcs[-1][2][-1] == edge[0]:
                arcs[-1][2].append(edge[1])
            else:
                arcs.append((plate, neighbour, list(edge)))
    return arcs


def main(wheel):
    """Write the arcs, one a line: left plate, right plate, 'lon lat' pairs in degrees."""
    with open(OUTPUT, "w", encoding="ascii", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("left", "right", "lon_lat"))
        for plate, neighbour, vertices in make_arcs(read_rings(wheel)):
            text = " ".join(f"{lon / 1000:g} {lat / 1000:g}" for lon, lat in vertices)
            writer.writerow((plate, neighbour, text))


if __name__ == "__main__":
    main(sys.argv[1])
