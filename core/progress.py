"""How long computations say how far they are, and how they are stopped."""

from __future__ import annotations

from typing import Protocol


class Cancelled(Exception):
    """The user stopped the run. Nothing is left behind; it is no failure."""


class Progress(Protocol):
    """What core needs of whoever watches it."""

    def step(self, fraction: float, message: str = "") -> None:
        """Report `fraction` (0 to 1) done and an optional message; raise `Cancelled` to stop."""

    def warn(self, message: str) -> None:
        """Tell the user something that does not stop the run."""


class Silent:
    """Watches nothing."""

    def step(self, fraction: float, message: str = "") -> None:
        """Do nothing."""

    def warn(self, message: str) -> None:
        """Do nothing."""


class Part:
    """The stretch from `start` to `end` of a longer computation's progress."""

    def __init__(self, whole: Progress, start: float, end: float):
        self._whole, self._start, self._end = whole, start, end

    def step(self, fraction: float, message: str = "") -> None:
        """Report `fraction` of this stretch."""
        self._whole.step(self._start + (self._end - self._start) * fraction, message)

    def warn(self, message: str) -> None:
        """Pass the warning on."""
        self._whole.warn(message)
