"""Finding waves of dh along a direction: jitter and other errors of a line scanner or a radar's flight."""

from __future__ import annotations

import numpy as np

from ..errors import CoregistrationError
from ..statistics.robust import nmad
from .bias import Sample, Waves, robust_solve

BINS = 2048
SHORTEST = 4.0  # bins to a wave
MAP = 256  # cells along a side of the map that shows a direction
STANDS_OUT = 40.0  # times the usual power at that wavelength; noise alone reaches about 15
LIMIT = 3.0  # NMADs: residuals further off have no part in means
LEAST_GAIN = 0.05  # of the misfit of the half that a wave was not fitted to
LOOK = 50_000  # cells that a direction is refined with
PADDING = 8  # times the profile's length, for a finer periodogram


def fit_directional(sample: Sample, azimuth: float | None, most: int, least_km: float) -> Waves:
    """A line and at most `most` sinusoids along `azimuth` (radians from north; None: that of the strongest wave).

    A wave is believed where one side of the scene, right or left of the middle, foretells it on the other: what
    varies along the direction alone does, terrain and noise do not. Waves shorter than `least_km` are not looked for.
    Raises CoregistrationError where no direction stands out.
    """
    if azimuth is None:
        azimuth = find_azimuth(sample, least_km)
    base = Waves(azimuth, 0.0, 0.0, ())
    s, across = base.along(sample.east, sample.north), base.along(-sample.north, sample.east)
    lengths: list = []
    line = robust_solve(_design(s, lengths), sample.dh)
    halves = _Halves(s, across, least_km)
    while len(lengths) < most:
        design = _design(s, lengths)
        left = _trimmed(sample.dh - design @ line)
        # What refines all waves together: the same cells, with the waves found so far put back.
        waves = left + design[:, 2:] @ line[2:]
        found = halves.strongest(left)
        if found is None or not halves.foretells(waves, lengths, found):
            break
        lengths = halves.refined(waves, [*lengths, found])
        line = robust_solve(_design(s, lengths), sample.dh)
    terms = tuple((float(length), float(line[2 + 2 * k]), float(line[3 + 2 * k])) for k, length in enumerate(lengths))
    return Waves(float(azimuth), float(line[0]), float(line[1]), terms)


def _design(s: np.ndarray, lengths) -> np.ndarray:
    columns = [np.ones_like(s), s]
    for length in lengths:
        columns += [np.cos(2 * np.pi * s / length), np.sin(2 * np.pi * s / length)]
    return np.column_stack(columns)


def _trimmed(residuals: np.ndarray) -> np.ndarray:
    """Residuals about their median, NaN where they are outliers."""
    residuals = residuals - np.median(residuals)
    return np.where(np.abs(residuals) <= LIMIT * nmad(residuals), residuals, np.nan)


class _Halves:
    """Profiles of residuals along s, one for each side of the scene."""

    def __init__(self, s: np.ndarray, across: np.ndarray, least_km: float):
        self._low, self._length = float(s.min()), max(float(np.ptp(s)), 1e-9)
        self._bins = int(np.clip(self._length / least_km * SHORTEST, 16, BINS))
        self._index = np.minimum(((s - self._low) / self._length * self._bins).astype(int), self._bins - 1)
        self._right = across > np.median(across)
        self.middle = self._low + (np.arange(self._bins) + 0.5) * (self._length / self._bins)

    def _profiles(self, residuals: np.ndarray) -> tuple[list, list]:
        """Sums and counts of the bins, one array a side; NaN are left out."""
        known = np.isfinite(residuals)
        sides = known & self._right, known & ~self._right
        return ([np.bincount(self._index[side], residuals[side], self._bins) for side in sides],
                [np.bincount(self._index[side], minlength=self._bins) for side in sides])

    def strongest(self, residuals: np.ndarray) -> float | None:
        """The wavelength (km) on which both sides agree most, None where they agree on none."""
        one, other = (np.fft.rfft(sums, PADDING * self._bins) for sums in self._profiles(residuals)[0])
        frequency = np.arange(one.size) / (PADDING * self._length)
        fit = (frequency >= 1.0 / self._length) & (frequency <= self._bins / SHORTEST / self._length)
        agreement = np.where(fit, (one * np.conj(other)).real, -np.inf)
        best = int(np.argmax(agreement))
        return 1.0 / float(frequency[best]) if agreement[best] > 0 else None

    def foretells(self, residuals: np.ndarray, lengths: list, candidate: float) -> bool:
        """True where the candidate, fitted on either side, lessens the misfit of the other."""
        sums, counts = self._profiles(residuals)

        def misfit(waves, fitted, judged):
            design = _design(self.middle, waves)
            weighted = (design * counts[fitted][:, None]).T @ design
            found = np.linalg.lstsq(weighted, design.T @ sums[fitted], rcond=1e-10)[0]
            seen = counts[judged] > 0
            mean = sums[judged][seen] / counts[judged][seen]
            return float((counts[judged][seen] * (mean - (design @ found)[seen])**2).sum())

        with_it, without = [*lengths, candidate], lengths
        return all(misfit(with_it, *sides) < (1 - LEAST_GAIN) * misfit(without, *sides) for sides in ((0, 1), (1, 0)))

    def refined(self, residuals: np.ndarray, lengths: list) -> list:
        """The wavelengths that fit both sides' profile best, together."""
        from scipy.optimize import least_squares

        sums, counts = (sum(parts) for parts in self._profiles(residuals))
        root = np.sqrt(counts)
        mean = np.divide(sums, counts, out=np.zeros(self._bins), where=counts > 0)

        def misfit(frequencies):
            design = _design(self.middle, 1.0 / frequencies) * root[:, None]
            found = np.linalg.lstsq(design, mean * root, rcond=1e-10)[0]
            return design @ found - mean * root

        start = 1.0 / np.array(lengths)
        reach = 0.5 / self._length
        found = least_squares(misfit, start, bounds=(np.maximum(start - reach, 0.25 / self._length), start + reach),
                              x_scale=reach)
        return (1.0 / found.x).tolist()


def find_azimuth(sample: Sample, least_km: float) -> float:
    """The direction (radians from north, in [0, pi)) of the plane wave that stands out most from the spectrum of dh.

    Raises CoregistrationError where none does.
    """
    from scipy.optimize import minimize

    plane = np.column_stack([np.ones_like(sample.east), sample.east, sample.north])
    residuals = _trimmed(sample.dh - plane @ robust_solve(plane, sample.dh))
    reach = max(np.ptp(sample.east), np.ptp(sample.north))
    known = np.isfinite(residuals)
    east_km, north_km, residuals = sample.east[known], sample.north[known], residuals[known]
    cell = max(reach / MAP, least_km / SHORTEST)
    size = int(reach / cell) + 1
    index = ((north_km - sample.north.min()) / cell).astype(int) * size \
        + ((east_km - sample.east.min()) / cell).astype(int)
    counts = np.bincount(index, minlength=size * size)
    means = np.divide(np.bincount(index, residuals, size * size), counts, out=np.zeros(size * size), where=counts > 0)
    power = np.abs(np.fft.fft2(means.reshape(size, size), (2 * size, 2 * size)))**2
    north, east = np.meshgrid(*(np.fft.fftfreq(2 * size, cell),) * 2, indexing="ij")
    frequency = np.hypot(north, east)
    fit = (frequency >= 1.0 / reach) & (frequency <= 1.0 / (SHORTEST * cell)) & (north >= 0)
    ring = np.minimum((frequency * reach).astype(int), size)
    usual = np.array([np.median(power[fit & (ring == k)]) if (fit & (ring == k)).any() else np.inf
                      for k in range(size + 1)])
    ratio = np.where(fit, power / np.maximum(usual[ring], 1e-300), 0.0)
    best = np.unravel_index(np.argmax(ratio), ratio.shape)
    if ratio[best] < STANDS_OUT:
        raise CoregistrationError("No direction stands out in dh: give ANGLE, the direction along which the bias "
                                  "varies, or choose KIND=ramp.")
    every = max(1, residuals.size // LOOK)
    x, y, r = east_km[::every], north_km[::every], residuals[::every]

    def against(wave):
        return -np.abs(np.exp(-2j * np.pi * (wave[0] / reach * x + wave[1] / reach * y)) @ r)

    start = np.array([east[best], north[best]]) * reach
    found = minimize(against, start, method="Nelder-Mead",
                     options={"initial_simplex": start + 0.3 * np.eye(3, 2, -1), "xatol": 1e-4, "fatol": 1e-9})
    return float(np.arctan2(found.x[0], found.x[1]) % np.pi)
