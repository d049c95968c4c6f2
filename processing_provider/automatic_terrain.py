"""Stable terrain that the DEMs tell themselves, and the mask of what was used."""

from __future__ import annotations

from qgis.core import QgsProcessingParameterBoolean, QgsProcessingParameterRasterDestination

from .base import tr


def declare_automatic_terrain(algorithm) -> None:
    """The switch AUTO_STABLE."""
    algorithm.add(QgsProcessingParameterBoolean("AUTO_STABLE", tr("Find stable terrain automatically"), False), tr(
        "Leaves out what changed coherently (glaciers, landslides, mines, forest growth) and slopes above 50 degrees, "
        "as the two DEMs show it, inside the stable terrain that is given. Up to a quarter of the ground may have "
        "changed. Look at the mask of the stable terrain used."), advanced=True)


def declare_stable_mask(algorithm) -> None:
    """The output STABLE_MASK."""
    algorithm.add(QgsProcessingParameterRasterDestination("STABLE_MASK", tr("Stable terrain used"), None, True, False),
                  tr("1 where the ground was taken to be stable, 0 elsewhere, on the reference's grid: polygons, mask "
                     "and the automatic part together."))


def is_automatic(algorithm, parameters, context) -> bool:
    """True where AUTO_STABLE is on."""
    return algorithm.parameterAsBool(parameters, "AUTO_STABLE", context)


def terrain_used(algorithm, parameters, context, pair, seed: int, path: str, scratch: str, executor, progress):
    """`(pair, notes)`: the pair on the terrain that is used, which is written to `path` ("": not asked for).

    `scratch` is a file to hold it for as long as the run lasts.
    """
    from ..core.coregistration.stable_terrain import find_stable_terrain, narrowed, write_stable_terrain

    if is_automatic(algorithm, parameters, context):
        found = find_stable_terrain(pair, path or scratch, seed, executor, progress)
        return narrowed(pair, found.mask), (found.note,)
    if path:
        write_stable_terrain(pair.terrain, pair.reference.grid, path, progress)
    return pair, ()
