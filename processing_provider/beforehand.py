"""Frames and epochs of two DEMs: declared, read, and told to the log before anything is solved."""

from __future__ import annotations

from qgis.core import QgsProcessingParameterString

from .base import tr
from .frame_parameters import read_epoch
from .parameters import choice, chosen


def declare_beforehand(algorithm) -> None:
    """What the user may know of both DEMs."""
    from ..core.frames.catalogue import FRAMES

    frame_help = tr("Names the frame realization, so that a known step is told from the shift; nothing is moved by it. "
                    "Empty: the frame that the CRS names, if any.")
    epoch_help = tr("When the ground was observed: decimal year (2012.9) or ISO date (2012-11-24). Empty: the "
                    "coordinate epoch that the file states, if any.")
    frames, text = list(FRAMES), QgsProcessingParameterString
    algorithm.add(choice("REFERENCE_FRAME", tr("Frame of the reference"), frames, optional=True), frame_help, True)
    algorithm.add(choice("SECONDARY_FRAME", tr("Frame of the secondary"), frames, optional=True), frame_help, True)
    algorithm.add(text("REFERENCE_EPOCH", tr("Epoch of the reference"), None, False, True), epoch_help, True)
    algorithm.add(text("SECONDARY_EPOCH", tr("Epoch of the secondary"), None, False, True), epoch_help, True)


def read_beforehand(algorithm, parameters, context) -> dict:
    """Frame ("") and epoch (None where unknown) by role. Raises EpochError."""
    return {role: (chosen(algorithm, parameters, f"{role.upper()}_FRAME", context),
                   read_epoch(algorithm, parameters, f"{role.upper()}_EPOCH", context))
            for role in ("reference", "secondary")}


def tell_beforehand(algorithm, parameters, context, reference, secondary, progress):
    """What is known of two Dems (an Expectation), told to the log: steps as warnings, the unknown as information."""
    from ..core.report.expectation import expect, side_of

    named = read_beforehand(algorithm, parameters, context)
    known = expect(reference, secondary, tuple(
        side_of(dem, role, *named[role]) for role, dem in (("reference", reference), ("secondary", secondary))))
    for line in (*known.warnings, *known.lines()):
        progress.warn(line)
    for line in known.unknown:
        progress.info(line)
    return known
