"""What is known of one block."""

from __future__ import annotations

import math
from dataclasses import dataclass

STATUSES = ("used", "downweighted", "rejected", "filled")


@dataclass(frozen=True)
class BlockShift:
    """The shift of one block: metres to ADD to the secondary's position and height (east, north, up).

    `row`, `col` count blocks from the reference's upper left; `bounds` `(xmin, ymin, xmax, ymax)` is the block
    without its overlap, in map units of the reference. The sigmas are one standard deviation, from correlated
    residuals. `n` counts the stable cells, `slope` is their mean in degrees. `status` is one of STATUSES:
    `rejected` blocks keep what was measured, if anything, and have no part in the field; `filled` ones could not
    be measured and carry the field's value at their centre. NaN where unknown.
    """

    row: int
    col: int
    bounds: tuple
    dx: float = math.nan
    dy: float = math.nan
    dz: float = math.nan
    sigma_dx: float = math.nan
    sigma_dy: float = math.nan
    sigma_dz: float = math.nan
    n: int = 0
    nmad_before: float = math.nan
    nmad_after: float = math.nan
    slope: float = math.nan
    iterations: int = 0
    status: str = "filled"
    reason: str = ""

    @property
    def usable(self) -> bool:
        """True where the shift was measured and trusted."""
        return self.status in ("used", "downweighted")

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the block, map units."""
        xmin, ymin, xmax, ymax = self.bounds
        return (xmin + xmax) / 2, (ymin + ymax) / 2
